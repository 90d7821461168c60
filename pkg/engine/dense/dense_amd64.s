#include "textflag.h"

// Each kernel keeps the sums of four columns in registers while it goes along
// the columns of x: product, then sum, never fused.

// STEP512 adds a column of 64 rows (Z16 to Z19) times the weight at off to the
// four registers of its output.
#define STEP512(off, a, b, c, d) \
	VBROADCASTSS off(BX), Z20 \
	VMULPS       Z20, Z16, Z21 \
	VMULPS       Z20, Z17, Z22 \
	VMULPS       Z20, Z18, Z23 \
	VMULPS       Z20, Z19, Z24 \
	VADDPS       Z21, a, a \
	VADDPS       Z22, b, b \
	VADDPS       Z23, c, c \
	VADDPS       Z24, d, d

// AWAY512 does so with the squares of the differences.
#define AWAY512(off, a, b, c, d) \
	VBROADCASTSS off(BX), Z20 \
	VSUBPS       Z20, Z16, Z21 \
	VSUBPS       Z20, Z17, Z22 \
	VSUBPS       Z20, Z18, Z23 \
	VSUBPS       Z20, Z19, Z24 \
	VMULPS       Z21, Z21, Z21 \
	VMULPS       Z22, Z22, Z22 \
	VMULPS       Z23, Z23, Z23 \
	VMULPS       Z24, Z24, Z24 \
	VADDPS       Z21, a, a \
	VADDPS       Z22, b, b \
	VADDPS       Z23, c, c \
	VADDPS       Z24, d, d

#define CLEAR512 \
	VPXORQ Z0, Z0, Z0; VPXORQ Z1, Z1, Z1; VPXORQ Z2, Z2, Z2; VPXORQ Z3, Z3, Z3 \
	VPXORQ Z4, Z4, Z4; VPXORQ Z5, Z5, Z5; VPXORQ Z6, Z6, Z6; VPXORQ Z7, Z7, Z7 \
	VPXORQ Z8, Z8, Z8; VPXORQ Z9, Z9, Z9; VPXORQ Z10, Z10, Z10; VPXORQ Z11, Z11, Z11 \
	VPXORQ Z12, Z12, Z12; VPXORQ Z13, Z13, Z13; VPXORQ Z14, Z14, Z14; VPXORQ Z15, Z15, Z15

#define LOAD512 \
	VMOVUPS (SI), Z16 \
	VMOVUPS 64(SI), Z17 \
	VMOVUPS 128(SI), Z18 \
	VMOVUPS 192(SI), Z19

#define BIAS512(off, a, b, c, d) \
	VBROADCASTSS off(BX), Z20 \
	VADDPS       Z20, a, a \
	VADDPS       Z20, b, b \
	VADDPS       Z20, c, c \
	VADDPS       Z20, d, d

// POSITIVE512 replaces numbers below 0 by 0 (Z25); -0 and NaN, as the second
// source, stay.
#define POSITIVE512(a, b, c, d) \
	VMAXPS a, Z25, a \
	VMAXPS b, Z25, b \
	VMAXPS c, Z25, c \
	VMAXPS d, Z25, d

#define STORE512(a, b, c, d) \
	VMOVUPS a, (DI) \
	VMOVUPS b, 64(DI) \
	VMOVUPS c, 128(DI) \
	VMOVUPS d, 192(DI) \
	ADDQ    DX, DI

#define ARGUMENTS \
	MOVQ out+0(FP), DI \
	MOVQ x+8(FP), SI \
	MOVQ part+16(FP), BX \
	MOVQ stride+24(FP), DX \
	MOVQ k+32(FP), CX

// func mul64AVX512(out, x, part *float32, stride, k, relu uintptr)
TEXT ·mul64AVX512(SB), NOSPLIT, $0-48
	ARGUMENTS
	MOVQ relu+40(FP), AX
	CLEAR512

loop:
	LOAD512
	STEP512(0, Z0, Z1, Z2, Z3)
	STEP512(4, Z4, Z5, Z6, Z7)
	STEP512(8, Z8, Z9, Z10, Z11)
	STEP512(12, Z12, Z13, Z14, Z15)
	ADDQ DX, SI
	ADDQ $16, BX
	DECQ CX
	JNZ  loop
	BIAS512(0, Z0, Z1, Z2, Z3)
	BIAS512(4, Z4, Z5, Z6, Z7)
	BIAS512(8, Z8, Z9, Z10, Z11)
	BIAS512(12, Z12, Z13, Z14, Z15)
	TESTQ AX, AX
	JZ   store
	VPXORQ Z25, Z25, Z25
	POSITIVE512(Z0, Z1, Z2, Z3)
	POSITIVE512(Z4, Z5, Z6, Z7)
	POSITIVE512(Z8, Z9, Z10, Z11)
	POSITIVE512(Z12, Z13, Z14, Z15)

store:
	STORE512(Z0, Z1, Z2, Z3)
	STORE512(Z4, Z5, Z6, Z7)
	STORE512(Z8, Z9, Z10, Z11)
	STORE512(Z12, Z13, Z14, Z15)
	VZEROUPPER
	RET

// func distance64AVX512(out, x, part *float32, stride, k uintptr)
TEXT ·distance64AVX512(SB), NOSPLIT, $0-40
	ARGUMENTS
	CLEAR512

loop:
	LOAD512
	AWAY512(0, Z0, Z1, Z2, Z3)
	AWAY512(4, Z4, Z5, Z6, Z7)
	AWAY512(8, Z8, Z9, Z10, Z11)
	AWAY512(12, Z12, Z13, Z14, Z15)
	ADDQ DX, SI
	ADDQ $16, BX
	DECQ CX
	JNZ  loop
	STORE512(Z0, Z1, Z2, Z3)
	STORE512(Z4, Z5, Z6, Z7)
	STORE512(Z8, Z9, Z10, Z11)
	STORE512(Z12, Z13, Z14, Z15)
	VZEROUPPER
	RET

// STEP2 and AWAY2 do a column of 16 rows (Y8, Y9).
#define STEP2(off, a, b) \
	VBROADCASTSS off(BX), Y10 \
	VMULPS       Y10, Y8, Y11 \
	VMULPS       Y10, Y9, Y12 \
	VADDPS       Y11, a, a \
	VADDPS       Y12, b, b

#define AWAY2(off, a, b) \
	VBROADCASTSS off(BX), Y10 \
	VSUBPS       Y10, Y8, Y11 \
	VSUBPS       Y10, Y9, Y12 \
	VMULPS       Y11, Y11, Y11 \
	VMULPS       Y12, Y12, Y12 \
	VADDPS       Y11, a, a \
	VADDPS       Y12, b, b

#define CLEAR2 \
	VXORPS Y0, Y0, Y0; VXORPS Y1, Y1, Y1; VXORPS Y2, Y2, Y2; VXORPS Y3, Y3, Y3 \
	VXORPS Y4, Y4, Y4; VXORPS Y5, Y5, Y5; VXORPS Y6, Y6, Y6; VXORPS Y7, Y7, Y7

#define LOAD2 \
	VMOVUPS (SI), Y8 \
	VMOVUPS 32(SI), Y9

#define BIAS2(off, a, b) \
	VBROADCASTSS off(BX), Y10 \
	VADDPS       Y10, a, a \
	VADDPS       Y10, b, b

#define POSITIVE2(a, b) \
	VMAXPS a, Y13, a \
	VMAXPS b, Y13, b

#define STORE2(a, b) \
	VMOVUPS a, (DI) \
	VMOVUPS b, 32(DI) \
	ADDQ    DX, DI

// func mulAVX2(out, x, part *float32, stride, k, relu uintptr)
TEXT ·mulAVX2(SB), NOSPLIT, $0-48
	ARGUMENTS
	MOVQ relu+40(FP), AX
	CLEAR2

loop:
	LOAD2
	STEP2(0, Y0, Y1)
	STEP2(4, Y2, Y3)
	STEP2(8, Y4, Y5)
	STEP2(12, Y6, Y7)
	ADDQ DX, SI
	ADDQ $16, BX
	DECQ CX
	JNZ  loop
	BIAS2(0, Y0, Y1)
	BIAS2(4, Y2, Y3)
	BIAS2(8, Y4, Y5)
	BIAS2(12, Y6, Y7)
	TESTQ AX, AX
	JZ   store
	VXORPS Y13, Y13, Y13
	POSITIVE2(Y0, Y1)
	POSITIVE2(Y2, Y3)
	POSITIVE2(Y4, Y5)
	POSITIVE2(Y6, Y7)

store:
	STORE2(Y0, Y1)
	STORE2(Y2, Y3)
	STORE2(Y4, Y5)
	STORE2(Y6, Y7)
	VZEROUPPER
	RET

// func distanceAVX2(out, x, part *float32, stride, k uintptr)
TEXT ·distanceAVX2(SB), NOSPLIT, $0-40
	ARGUMENTS
	CLEAR2

loop:
	LOAD2
	AWAY2(0, Y0, Y1)
	AWAY2(4, Y2, Y3)
	AWAY2(8, Y4, Y5)
	AWAY2(12, Y6, Y7)
	ADDQ DX, SI
	ADDQ $16, BX
	DECQ CX
	JNZ  loop
	STORE2(Y0, Y1)
	STORE2(Y2, Y3)
	STORE2(Y4, Y5)
	STORE2(Y6, Y7)
	VZEROUPPER
	RET
