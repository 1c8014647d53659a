"""Writes the rows from which `make.sh` trains the models of this folder. Run once; standard library alone."""

import math
import random
import struct

draw = random.Random(7)


def csv(name, header, rows):
    with open(name, "w") as file:
        file.write(",".join(header) + "\n")
        for row in rows:
            file.write(",".join(row) + "\n")


def npy(name, shape, values):
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }" % (shape,)
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(name, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(bytes(values))


# Points near a circle, seen in six columns, and the quarter that each lies in.
rows = []
for _ in range(60):
    angle = draw.random() * math.tau
    row = [0.5 + 0.4 * math.cos(angle + k) + 0.02 * draw.gauss(0, 1) for k in range(6)]
    rows.append([f"{x:.4f}" for x in row] + ["north east south west".split()[int(angle / math.tau * 4)]])
csv("circle.csv", list("abcdef") + ["quarter"], rows)

# A column of each kind, with missing values.
rows = []
for at in range(60):
    size = draw.choice(["small", "medium", "large"])
    number = {"small": 1, "medium": 3, "large": 9}[size] + draw.gauss(0, 0.3)
    words = " ".join(draw.choice(["red", "green", "blue", "bright", "dark"]) for _ in range(4))
    row = [f"{number:.3f}", size, draw.choice(["true", "false"]), f"2024-{at % 12 + 1:02}-{at % 28 + 1:02}", words]
    row.append(str(int(draw.expovariate(1 / (1 + number)))))
    if at % 7 == 0:
        row[draw.randrange(4)] = ""
    rows.append(row)
csv("mixed.csv", ["number", "size", "switch", "day", "words", "count"], rows)

# Two channels, a point every five minutes.
rows = []
for at in range(120):
    clock = f"2024-03-{1 + at // 288:02} {at // 12 % 24:02}:{at * 5 % 60:02}:00"
    wave = math.sin(at / 4)
    rows.append([clock, f"{wave + 0.05 * draw.gauss(0, 1):.4f}", f"{wave * wave + 0.05 * draw.gauss(0, 1):.4f}"])
csv("series.csv", ["time", "left", "right"], rows)

# Bars of eight by eight pixels, lying or standing.
values = []
for at in range(40):
    place, lying = draw.randrange(8), at % 2
    values += [200 + draw.randrange(50) if (y if lying else x) == place else draw.randrange(40) for y in range(8) for x in range(8)]
npy("bars.npy", (40, 8, 8, 1), values)
