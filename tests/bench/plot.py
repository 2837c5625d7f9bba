# SPDX-License-Identifier: Apache-2.0
"""Line plots as SVG: a logarithmic x axis, a linear y axis from 0."""
import math

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 40, 56
COLOURS = {"sluice": "#0b6e4f", "ovs": "#c8553d", "limit": "#7a7a7a", "bridge": "#3d5a80"}
TEXT = 'font-family="sans-serif" font-size="13" fill="#444"'


def step(top):
    """A round distance between about five lines."""
    raw = top / 5
    unit = 10 ** math.floor(math.log10(raw))
    return next(unit * k for k in (1, 2, 5, 10) if unit * k >= raw)


def count(n):
    for size, suffix in ((1000000, "M"), (1000, "k")):
        if n >= size:
            return "%g%s" % (n / size, suffix)
    return "%g" % n


class Axes:
    def __init__(self, xs, top):
        self.low, self.high = math.log10(min(xs)), math.log10(max(xs))
        self.step = step(top)
        self.top = math.ceil(top / self.step) * self.step

    def x(self, value):
        part = (math.log10(value) - self.low) / ((self.high - self.low) or 1)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)

    def draw(self, xs, x_label, y_label):
        for i in range(round(self.top / self.step) + 1):
            y = self.y(i * self.step)
            yield '<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/>' % (
                LEFT, y, WIDTH - RIGHT, y)
            yield '<text x="%d" y="%.1f" text-anchor="end" %s>%g</text>' % (
                LEFT - 8, y + 4, TEXT, i * self.step)
        for x in xs:
            yield '<text x="%.1f" y="%d" text-anchor="middle" %s>%s</text>' % (
                self.x(x), HEIGHT - BOTTOM + 20, TEXT, count(x))
        yield '<text x="%.1f" y="%d" text-anchor="middle" %s>%s</text>' % (
            (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, TEXT, x_label)
        yield '<text x="%d" y="%d" %s>%s</text>' % (8, TOP - 16, TEXT, y_label)


def lines(title, x_label, y_label, series, path):
    """series: (key of a colour, label, [(x, median, min, max)])."""
    xs = sorted({p[0] for _, _, points in series for p in points})
    if not xs:
        return False
    axes = Axes(xs, max(p[3] for _, _, points in series for p in points))
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">' % (
        WIDTH, HEIGHT), "<title>%s</title>" % title,
        '<rect width="100%" height="100%" fill="#fff"/>', *axes.draw(xs, x_label, y_label)]
    for key, label, points in series:
        colour = COLOURS[key]
        at = [(axes.x(x), axes.y(m)) for x, m, _, _ in sorted(points)]
        out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (
            " ".join("%.1f,%.1f" % p for p in at), colour))
        for (x, _, low, high), (px, py) in zip(sorted(points), at):
            out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>' % (
                px, axes.y(low), px, axes.y(high), colour))
            out.append('<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (px, py, colour))
        out.append('<text x="%.1f" y="%.1f" font-family="sans-serif" font-size="13" fill="%s">'
                   '%s</text>' % (at[-1][0] + 10, at[-1][1] + 4, colour, label))
    with open(path, "w") as f:
        f.write("\n".join(out + ["</svg>"]) + "\n")
    return True
