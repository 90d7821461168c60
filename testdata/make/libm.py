"""Makes pkg/ir/portable/testdata/{exp,expf,logf}.csv: what the C library's functions answer.

    python3 libm.py     # Python's math.exp is the C library's; on a processor with fused multiply-add

Written with glibc 2.36 on x86-64. Each line is x and exp(x), as hexadecimal floats.
"""

import ctypes
import math
import os
import random
import struct

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

# expf.csv and logf.csv: the same of expf and logf, among them numbers where they are not the nearest.
library = ctypes.CDLL("libm.so.6")


def single(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def write(name, call, exact, named, draws):
    call.argtypes, call.restype = [ctypes.c_float], ctypes.c_float
    lines = [single(x) for x in named] + [single(draw()) for draw in draws for _ in range(150)]
    while len(lines) < 400:
        x = single(draws[-1]())
        if call(x) != single(exact(x)):
            lines.append(x)
    with open(os.path.join(os.path.dirname(path), name), "w", encoding="ascii") as f:
        for x in lines:
            f.write("%s,%s\n" % (x.hex(), call(x).hex()))


write("expf.csv", library.expf, math.exp,
      [0.0, -0.0, 1.0, -1.0, 1e-45, 88.72283, 88.72284, 89.0, 1e38, -87.33654, -103.97, -103.98, -104.5, -1e38],
      [lambda: random.uniform(-104, 89), lambda: random.gauss(0, 3)])
write("logf.csv", library.logf, math.log,
      [1.0, 1e-45, 1e-40, 1.1754944e-38, 3.4028235e38, 0.99999994, 1.0000001, 2.0, 0.5, 0.7, 0.69921875, 999999.0, 9.99999e-07],
      [lambda: math.exp(random.uniform(-100, 88)), lambda: 1 / random.uniform(0.01, 0.99) - 1])
