"""The ratios as a picture: a bar for each row and each peer, a line at 1."""

import html


LEFT, WIDTH, BAR, GAP = 250, 460, 14, 12
COLOURS = {"HAProxy": "#4878a8", "splice-auto": "#88b0d0", "splice forced": "#b8d0e4", "nginx": "#58a068"}


def draw(table, path):
    top = max(max(row.ratio(way) for way in row.ways if way != "Gatehouse") for row in table)
    scale = WIDTH / max(2.0, top)
    pieces, y = [], 64
    for row in table:
        others = [way for way in row.ways if way != "Gatehouse"]
        middle = y + len(others) * BAR / 2 + 4
        pieces.append(f'<text x="{LEFT - 10}" y="{middle:.0f}" text-anchor="end">{html.escape(row.name)}</text>')
        for way in others:
            ratio = row.ratio(way)
            pieces.append(f'<rect x="{LEFT}" y="{y}" width="{ratio * scale:.0f}" height="{BAR - 2}" '
                          f'fill="{COLOURS[way]}"/><text x="{LEFT + ratio * scale + 5:.0f}" y="{y + BAR - 4}" '
                          f'font-size="11">{ratio:.2f}</text>')
            y += BAR
        y += GAP
    one = LEFT + scale
    legend = "".join(f'<rect x="{LEFT + 130 * number}" y="34" width="12" height="12" fill="{colour}"/>'
                     f'<text x="{LEFT + 130 * number + 18}" y="45">{way}</text>'
                     for number, (way, colour) in enumerate(COLOURS.items()))
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{y + 10}" '
        f'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="10" y="20" font-size="15">Requests per CPU second: Gatehouse divided by each peer</text>{legend}'
        f'<line x1="{one:.0f}" y1="56" x2="{one:.0f}" y2="{y}" stroke="black" stroke-dasharray="3 3"/>'
        f'{"".join(pieces)}</svg>\n')
