#include "textflag.h"

// Arithmetic of four float32, which Go's assembler has no names for: registers
// by number, as the manual orders them: d = n op m.
#define FADD(d, n, m) WORD $(0x4E20D400 | (m)<<16 | (n)<<5 | (d))
#define FSUB(d, n, m) WORD $(0x4EA0D400 | (m)<<16 | (n)<<5 | (d))
#define FMUL(d, n, m) WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d))

// FCMLT0 is all ones where n is below 0; BIC is n and not m.
#define FCMLT0(d, n) WORD $(0x4EA0E800 | (n)<<5 | (d))
#define BIC(d, n, m) WORD $(0x4E601C00 | (m)<<16 | (n)<<5 | (d))

// A column of 16 rows is in V16 to V19, the weights of four outputs in V20, one
// of them in all lanes of V21; V0 to V15 are the sums.
#define STEP(a, b, c, d) \
	FMUL(24, 16, 21) \
	FMUL(25, 17, 21) \
	FMUL(26, 18, 21) \
	FMUL(27, 19, 21) \
	FADD(a, a, 24) \
	FADD(b, b, 25) \
	FADD(c, c, 26) \
	FADD(d, d, 27)

#define AWAY(a, b, c, d) \
	FSUB(24, 16, 21) \
	FSUB(25, 17, 21) \
	FSUB(26, 18, 21) \
	FSUB(27, 19, 21) \
	FMUL(24, 24, 24) \
	FMUL(25, 25, 25) \
	FMUL(26, 26, 26) \
	FMUL(27, 27, 27) \
	FADD(a, a, 24) \
	FADD(b, b, 25) \
	FADD(c, c, 26) \
	FADD(d, d, 27)

#define BIAS(a, b, c, d) \
	FADD(a, a, 21) \
	FADD(b, b, 21) \
	FADD(c, c, 21) \
	FADD(d, d, 21)

#define POSITIVE(a) \
	FCMLT0(24, a) \
	BIC(a, a, 24)

#define ARGUMENTS \
	MOVD out+0(FP), R0 \
	MOVD x+8(FP), R1 \
	MOVD part+16(FP), R2 \
	MOVD stride+24(FP), R3 \
	MOVD k+32(FP), R4

#define CLEAR \
	VEOR V0.B16, V0.B16, V0.B16 \
	VEOR V1.B16, V1.B16, V1.B16 \
	VEOR V2.B16, V2.B16, V2.B16 \
	VEOR V3.B16, V3.B16, V3.B16 \
	VEOR V4.B16, V4.B16, V4.B16 \
	VEOR V5.B16, V5.B16, V5.B16 \
	VEOR V6.B16, V6.B16, V6.B16 \
	VEOR V7.B16, V7.B16, V7.B16 \
	VEOR V8.B16, V8.B16, V8.B16 \
	VEOR V9.B16, V9.B16, V9.B16 \
	VEOR V10.B16, V10.B16, V10.B16 \
	VEOR V11.B16, V11.B16, V11.B16 \
	VEOR V12.B16, V12.B16, V12.B16 \
	VEOR V13.B16, V13.B16, V13.B16 \
	VEOR V14.B16, V14.B16, V14.B16 \
	VEOR V15.B16, V15.B16, V15.B16

#define STORE \
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R0) \
	ADD  R3, R0 \
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R0) \
	ADD  R3, R0 \
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R0) \
	ADD  R3, R0 \
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R0)

// func mulNEON(out, x, part *float32, stride, k, relu uintptr)
TEXT ·mulNEON(SB), NOSPLIT, $0-48
	ARGUMENTS
	MOVD relu+40(FP), R5
	CLEAR

loop:
	VLD1   (R1), [V16.S4, V17.S4, V18.S4, V19.S4]
	VLD1.P 16(R2), [V20.S4]
	VDUP   V20.S[0], V21.S4
	STEP(0, 1, 2, 3)
	VDUP   V20.S[1], V21.S4
	STEP(4, 5, 6, 7)
	VDUP   V20.S[2], V21.S4
	STEP(8, 9, 10, 11)
	VDUP   V20.S[3], V21.S4
	STEP(12, 13, 14, 15)
	ADD    R3, R1
	SUB    $1, R4
	CBNZ   R4, loop
	VLD1   (R2), [V20.S4]
	VDUP   V20.S[0], V21.S4
	BIAS(0, 1, 2, 3)
	VDUP   V20.S[1], V21.S4
	BIAS(4, 5, 6, 7)
	VDUP   V20.S[2], V21.S4
	BIAS(8, 9, 10, 11)
	VDUP   V20.S[3], V21.S4
	BIAS(12, 13, 14, 15)
	CBZ    R5, store
	POSITIVE(0)
	POSITIVE(1)
	POSITIVE(2)
	POSITIVE(3)
	POSITIVE(4)
	POSITIVE(5)
	POSITIVE(6)
	POSITIVE(7)
	POSITIVE(8)
	POSITIVE(9)
	POSITIVE(10)
	POSITIVE(11)
	POSITIVE(12)
	POSITIVE(13)
	POSITIVE(14)
	POSITIVE(15)

store:
	STORE
	RET

// func distanceNEON(out, x, part *float32, stride, k uintptr)
TEXT ·distanceNEON(SB), NOSPLIT, $0-40
	ARGUMENTS
	CLEAR

loop:
	VLD1   (R1), [V16.S4, V17.S4, V18.S4, V19.S4]
	VLD1.P 16(R2), [V20.S4]
	VDUP   V20.S[0], V21.S4
	AWAY(0, 1, 2, 3)
	VDUP   V20.S[1], V21.S4
	AWAY(4, 5, 6, 7)
	VDUP   V20.S[2], V21.S4
	AWAY(8, 9, 10, 11)
	VDUP   V20.S[3], V21.S4
	AWAY(12, 13, 14, 15)
	ADD    R3, R1
	SUB    $1, R4
	CBNZ   R4, loop
	STORE
	RET
