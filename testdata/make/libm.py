"""Makes pkg/ir/portable/testdata/exp.csv: what the C library's exp answers.

    python3 libm.py     # Python's math.exp is the C library's; on a processor with fused multiply-add

Written with glibc 2.36 on x86-64. Each line is x and exp(x), as hexadecimal floats.
"""

import math
import os
import random

random.seed(4)
drawn = [lambda: random.gauss(0, 1), lambda: random.gauss(0, 30), lambda: random.uniform(-745.2, -700), lambda: random.uniform(700, 709.78),
         lambda: random.gauss(0, 1) * 2.0 ** random.randint(-60, 0), lambda: random.uniform(-709, 709)]
named = [0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, 2.0 ** -54, 2.0 ** -55, 512.0, -512.0, 1024.0, -1024.0, 709.782712893384, 709.7827128933841,
         -708.3964185322641, -708.3964185322642, -745.1332191019411, -745.1332191019412, -745.2, -746.0, -1e300, -693.2757465205239, math.log(2), -math.log(2)]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "pkg", "ir", "portable", "testdata", "exp.csv")
os.makedirs(os.path.dirname(path), exist_ok=True)
with open(path, "w", encoding="ascii") as f:
    for x in named + [draw() for draw in drawn for _ in range(120)]:
        try:
            y = math.exp(x)
        except OverflowError:
            y = math.inf
        f.write("%s,%s\n" % (x.hex(), y.hex()))
