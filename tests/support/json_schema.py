"""As much of JSON Schema (draft 2020-12) as the schemas in docs/ use. An unknown keyword is an error, so none goes
unchecked."""

import re

ANNOTATIONS = {"$schema", "title", "description"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int}


def is_a(value, name):
    # Python's True is an int, JSON's true is no number.
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def check_object(value, schema, place):
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{place}: {name} is missing"
    for name, member in value.items():
        if name in known:
            yield from violations(member, known[name], f"{place}.{name}")
        elif schema.get("additionalProperties", True) is False:
            yield f"{place}: {name} is not described"


def violations(value, schema, place="$"):
    """What of the value is not as the schema has it, one line each."""
    known = {"type", "enum", "pattern", "minimum", "maximum", "items", "required", "properties", "additionalProperties"}
    if strange := set(schema) - known - ANNOTATIONS:
        raise ValueError(f"{place}: the schema has keywords that are not checked: {strange}")
    names = schema.get("type", [])
    if names and not any(is_a(value, name) for name in ([names] if isinstance(names, str) else names)):
        yield f"{place}: {value!r} is no {names}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is none of {schema['enum']}"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{place}: {value!r} is not like {schema['pattern']}"
    if is_a(value, "integer") and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{place}: {value} is out of range"
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from violations(item, schema["items"], f"{place}[{number}]")
    if isinstance(value, dict):
        yield from check_object(value, schema, place)
