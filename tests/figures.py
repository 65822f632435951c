#!/usr/bin/env python3
"""The house in figures: how large its files, functions, classes and folders are, and how its comments and documents read.

    python3 tests/figures.py [--json | --check]          in the tree's root

--check fails, a line each, where a folder, a class or the words are beyond their bounds.
Looks at what git has, without tests for the code and without the changelog for the documents. A function is what stands
in braces behind a bracket; a class is its body and what its .cpp files define of it.
"""

import json
import pathlib
import re
import statistics
import subprocess
import sys

CODE = ("core/", "netfilter/", "appliance/", "images/")
WHO = re.compile(r"\b(?:who|whom|whose|whoever|whomever|nobody|anybody|somebody|everybody)\b", re.IGNORECASE)
WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
LITERALS = re.compile(r'R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'')
LONG_SENTENCE = 30  # words

# The bounds. What is beyond them today may not grow.
FOLDER_FILES, CLASS_LINES, WHO_PERMILLE = 25, 400, 1.0
LARGER_FOLDERS = {"appliance/cli/commands": 40, "core/http": 31}  # a file for each command; all pure functions
LARGER_CLASSES = {"Conductor": 1190, "Reader": 1105, "Supervisor": 855, "Server": 548, "Monitor": 540, "Exchange": 537}


def tracked(*patterns):
    names = subprocess.run(["git", "ls-files", *patterns], capture_output=True, text=True, check=True).stdout.split()
    return [pathlib.Path(name) for name in names]


def spread(values):
    """Median, nine tenths, most."""
    ordered = sorted(values)
    return [int(statistics.median(ordered)), ordered[len(ordered) * 9 // 10], ordered[-1]] if ordered else [0, 0, 0]


def comments_of(text):
    """Each comment with its lines joined, those on lines of their own and those behind code."""
    blocks, block = [], []
    for line in LITERALS.sub('""', text).split("\n"):
        found = re.match(r"\s*// ?(.*)", line)
        if found:
            block.append(found[1])
            continue
        if block:
            blocks.append(" ".join(block))
            block = []
        behind = re.search(r"\S\s*// ?(.*)", line)
        if behind:
            blocks.append(behind[1])
    return blocks + ([" ".join(block)] if block else [])


def code_of(text):
    """Without comments and the insides of literals, line for line."""
    kept = LITERALS.sub(lambda found: '"' + "\n" * found[0].count("\n") + '"', text)
    return re.sub(r"//[^\n]*", "", kept)


def close_of(code, opened):
    depth = 0
    for at in range(opened, len(code)):
        depth += {"{": 1, "}": -1}.get(code[at], 0)
        if depth == 0:
            return at
    return len(code) - 1


def lines_in(code, begin, end):
    return code.count("\n", begin, end) + 1


def functions_of(code):
    """Lines of each function, from the line of its brace to that of its end."""
    found, at = [], 0
    head = re.compile(r"\)\s*(?:const|noexcept|override|final|mutable|&|\s|->\s*[\w:<>,\s&*]+|:\s*[^;{}]*(?:\{[^{}]*\}[^;{}]*)*)*\{")
    while match := head.search(code, at):
        opened = match.end() - 1
        before = code[max(0, match.start() - 400):match.start()]
        words = re.findall(r"\b(if|for|while|switch|catch)\s*\([^;{}]*$", before)
        closed = close_of(code, opened)
        if not words:
            found.append(lines_in(code, opened, closed))
            at = closed
        else:
            at = match.end()
    return found


def classes_of(files):
    """Lines by class, of all files that say something of it."""
    sizes = {}
    for code in files.values():
        for match in re.finditer(r"\b(?:class|struct)\s+(\w+)(?:\s+final)?(?:\s*:[^;{()]*)?\s*\{", code):
            name = match[1]
            sizes[name] = sizes.get(name, 0) + lines_in(code, match.start(), close_of(code, match.end() - 1))
    for code in files.values():
        for match in re.finditer(r"^[\w:<>,&*\s\[\]]*?\b(\w+)::~?\w+\([^;]*?\)[^;{}]*(?::[^;{}]*(?:\{[^{}]*\}[^;{}]*)*)?\{", code, re.M):
            if match[1] in sizes:
                begin = match.start() + len(match[0]) - len(match[0].lstrip())
                sizes[match[1]] += lines_in(code, begin, close_of(code, match.end() - 1))
    return sizes


def words_in(texts):
    """Words a sentence, long sentences and who-words for a thousand words each."""
    words = who = sentences = long = 0
    for text in texts:
        for sentence in re.split(r"(?<=[.!?:;])\s+", text):
            count = len(WORD.findall(sentence))
            words += count
            sentences += count > 0
            long += count >= LONG_SENTENCE
            who += len(WHO.findall(sentence))
    return {"words": words, "words_a_sentence": round(words / max(sentences, 1), 1),
            "long_sentences_permille": round(1000 * long / max(words, 1), 2),
            "who_permille": round(1000 * who / max(words, 1), 2)}


def prose_of(text):
    """Of a document: without its code, its tables and its links' targets."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines = [line for line in text.split("\n") if not line.startswith("    ") and not line.lstrip().startswith("|")]
    return re.split(r"\n\s*\n", re.sub(r"\]\([^)]*\)|`[^`]*`", "", "\n".join(lines)))


def look():
    sources = {path: path.read_text() for path in tracked("*.cpp", "*.hpp") if str(path).startswith(CODE)}
    codes = {path: code_of(text) for path, text in sources.items()}
    folders = {}
    for path in sources:
        folders[str(path.parent)] = folders.get(str(path.parent), 0) + 1
    functions = [size for code in codes.values() for size in functions_of(code)]
    lines = sum(text.count("\n") for text in sources.values())
    comment_lines = sum(len(re.findall(r"^\s*//", text, re.M)) for text in sources.values())
    documents = [path for path in tracked("*.md") if path.name != "CHANGELOG.md"]
    return {
        "files": {"count": len(sources), "lines": lines,
                  "lines_each": spread([text.count("\n") for text in sources.values()])},
        "functions": {"count": len(functions), "lines_each": spread(functions),
                      "over_70": sum(size > 70 for size in functions)},
        "comment_lines_percent": round(100 * comment_lines / lines, 1),
        "folders": dict(sorted(folders.items(), key=lambda each: -each[1])),
        "classes": dict(sorted(classes_of(codes).items(), key=lambda each: -each[1])),
        "comments": words_in(comment for text in sources.values() for comment in comments_of(text)),
        "documents": {str(path): words_in(prose_of(path.read_text())) for path in documents},
    }


def beyond(found):
    """What is beyond the bounds, as lines to print."""
    for name, count in found["folders"].items():
        if count > LARGER_FOLDERS.get(name, FOLDER_FILES):
            yield f"{name} has {count} files; divide it by subject"
    for name, lines in found["classes"].items():
        if lines > LARGER_CLASSES.get(name, CLASS_LINES):
            yield f"class {name} has {lines} lines in all its files; divide it"
    for name, words in {"comments": found["comments"], **found["documents"]}.items():
        # One such word may be about a person, however short the document is.
        if words["who_permille"] > max(WHO_PERMILLE, 2100 / max(words["words"], 1)):
            yield f"{name}: {words['who_permille']} of 1,000 words are who, nobody and the like; these are for persons"


def main():
    found = look()
    if "--check" in sys.argv[1:]:
        lines = list(beyond(found))
        print("\n".join(lines) or "all figures are within their bounds")
        sys.exit(1 if lines else 0)
    if "--json" in sys.argv[1:]:
        print(json.dumps(found, indent=1))
        return
    files, functions, comments = found["files"], found["functions"], found["comments"]
    print(f"files      {files['count']}, {files['lines']:,} lines; each {' / '.join(map(str, files['lines_each']))} "
          "(median / nine tenths / most)")
    print(f"functions  {functions['count']}; each {' / '.join(map(str, functions['lines_each']))}, "
          f"{functions['over_70']} of more than 70 lines")
    print(f"comments   {found['comment_lines_percent']} % of the lines")
    print("folders    " + ", ".join(f"{name} {count}" for name, count in list(found["folders"].items())[:10]))
    print("classes    " + ", ".join(f"{name} {lines}" for name, lines in list(found["classes"].items())[:10]))
    print(f"\n{'':<34} {'words':>7} {'a sentence':>11} {'who, for 1,000':>15}")
    for name, words in {"comments": comments, **found["documents"]}.items():
        print(f"{name:<34} {words['words']:>7,} {words['words_a_sentence']:>11} {words['who_permille']:>15}")


if __name__ == "__main__":
    main()
