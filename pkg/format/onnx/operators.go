package onnx

import "example.com/copse/pkg/ir"

const (
	ml        = "ai.onnx.ml"
	microsoft = "com.microsoft"
	anyNumber = -1
)

// operators lists what can be lowered. docs/onnx.md has the same list, and a
// test holds them together.
func operators() []operator {
	list := append(mlOperators(), moveOperators()...)
	return append(append(list, axisOperators()...), valueOperators()...)
}

func mlOperators() []operator {
	return []operator{
		{opName{ml, "ArrayFeatureExtractor"}, 2, 2, lowerExtractor},
		{opName{ml, "Binarizer"}, 1, 1, lowerBinarizer},
		{opName{ml, "CategoryMapper"}, 1, 1, lowerCategoryMapper},
		{opName{ml, "DictVectorizer"}, 1, 1, lowerDictVectorizer},
		{opName{ml, "FeatureVectorizer"}, 1, anyNumber, lowerFeatureVectorizer},
		{opName{ml, "Imputer"}, 1, 1, lowerImputer},
		{opName{ml, "LabelEncoder"}, 1, 1, lowerLabelEncoder},
		{opName{ml, "LinearClassifier"}, 1, 1, lowerLinearClassifier},
		{opName{ml, "LinearRegressor"}, 1, 1, lowerLinearRegressor},
		{opName{ml, "Normalizer"}, 1, 1, lowerNormalizer},
		{opName{ml, "OneHotEncoder"}, 1, 1, lowerOneHotEncoder},
		{opName{ml, "SVMClassifier"}, 1, 1, lowerSVMClassifier},
		{opName{ml, "SVMRegressor"}, 1, 1, lowerSVMRegressor},
		{opName{ml, "Scaler"}, 1, 1, lowerScaler},
		{opName{ml, "TreeEnsemble"}, 1, 1, lowerTreeEnsemble},
		{opName{ml, "TreeEnsembleClassifier"}, 1, 1, lowerTreeClassifier},
		{opName{ml, "TreeEnsembleRegressor"}, 1, 1, lowerTreeRegressor},
		{opName{ml, "ZipMap"}, 1, 1, lowerZipMap},
		{opName{microsoft, "CDist"}, 2, 2, lowerCDist},
	}
}

func moveOperators() []operator {
	return []operator{
		{opName{"", "Cast"}, 1, 1, lowerCast},
		{opName{"", "CastLike"}, 2, 2, lowerCastLike},
		{opName{"", "Concat"}, 1, anyNumber, lowerConcat},
		{opName{"", "Constant"}, 0, 0, lowerConstant},
		{opName{"", "ConstantOfShape"}, 1, 1, lowerConstantOfShape},
		{opName{"", "Dropout"}, 1, 3, lowerDropout},
		{opName{"", "Expand"}, 2, 2, lowerExpand},
		{opName{"", "Flatten"}, 1, 1, lowerFlatten},
		{opName{"", "Gather"}, 2, 2, lowerGather},
		{opName{"", "GatherElements"}, 2, 2, lowerGatherElements},
		{opName{"", "Identity"}, 1, 1, lowerIdentity},
		{opName{"", "Reshape"}, 1, 2, lowerReshape},
		{opName{"", "Shape"}, 1, 1, lowerShape},
		{opName{"", "Size"}, 1, 1, lowerSize},
		{opName{"", "Slice"}, 1, 5, lowerSlice},
		{opName{"", "Split"}, 1, 2, lowerSplit},
		{opName{"", "Squeeze"}, 1, 2, lowerSqueeze},
		{opName{"", "Tile"}, 2, 2, lowerTile},
		{opName{"", "Transpose"}, 1, 1, lowerTranspose},
		{opName{"", "Unsqueeze"}, 1, 2, lowerUnsqueeze},
	}
}

func axisOperators() []operator {
	return []operator{
		{opName{"", "ArgMax"}, 1, 1, argOf(ir.FnArgMax)},
		{opName{"", "ArgMin"}, 1, 1, argOf(ir.FnArgMin)},
		{opName{"", "CumSum"}, 2, 2, lowerCumSum},
		{opName{"", "Gemm"}, 2, 3, lowerGemm},
		{opName{"", "LogSoftmax"}, 1, 1, softmaxOf(ir.FnLogSoftmax)},
		{opName{"", "LpNormalization"}, 1, 1, lowerLpNormalization},
		{opName{"", "MatMul"}, 2, 2, lowerMatMul},
		{opName{"", "ReduceL1"}, 1, 2, reduceOf(ir.FnL1, ir.FnNone)},
		{opName{"", "ReduceL2"}, 1, 2, reduceOf(ir.FnL2, ir.FnNone)},
		{opName{"", "ReduceLogSum"}, 1, 2, reduceOf(ir.FnSum, ir.FnLog)},
		{opName{"", "ReduceLogSumExp"}, 1, 2, reduceOf(ir.FnLogSumExp, ir.FnNone)},
		{opName{"", "ReduceMax"}, 1, 2, reduceOf(ir.FnMax, ir.FnNone)},
		{opName{"", "ReduceMean"}, 1, 2, reduceOf(ir.FnMean, ir.FnNone)},
		{opName{"", "ReduceMin"}, 1, 2, reduceOf(ir.FnMin, ir.FnNone)},
		{opName{"", "ReduceProd"}, 1, 2, reduceOf(ir.FnProd, ir.FnNone)},
		{opName{"", "ReduceSum"}, 1, 2, reduceOf(ir.FnSum, ir.FnNone)},
		{opName{"", "ReduceSumSquare"}, 1, 2, reduceOf(ir.FnSumSquare, ir.FnNone)},
		{opName{"", "Scan"}, 1, anyNumber, lowerScan},
		{opName{"", "Softmax"}, 1, 1, softmaxOf(ir.FnSoftmax)},
		{opName{"", "TopK"}, 1, 2, lowerTopK},
	}
}

func valueOperators() []operator {
	return []operator{
		{opName{"", "Abs"}, 1, 1, unaryOf(ir.FnAbs)},
		{opName{"", "Add"}, 2, 2, binaryOf(ir.FnAdd)},
		{opName{"", "And"}, 2, 2, compareOf(ir.FnAnd)},
		{opName{"", "Ceil"}, 1, 1, unaryOf(ir.FnCeil)},
		{opName{"", "Clip"}, 1, 3, lowerClip},
		{opName{"", "Div"}, 2, 2, binaryOf(ir.FnDiv)},
		{opName{"", "Equal"}, 2, 2, compareOf(ir.FnEqual)},
		{opName{"", "Erf"}, 1, 1, unaryOf(ir.FnErf)},
		{opName{"", "Exp"}, 1, 1, unaryOf(ir.FnExp)},
		{opName{"", "Floor"}, 1, 1, unaryOf(ir.FnFloor)},
		{opName{"", "Greater"}, 2, 2, compareOf(ir.FnGreater)},
		{opName{"", "GreaterOrEqual"}, 2, 2, compareOf(ir.FnGreaterEqual)},
		{opName{"", "IsNaN"}, 1, 1, lowerIsNaN},
		{opName{"", "LeakyRelu"}, 1, 1, lowerLeakyRelu},
		{opName{"", "Less"}, 2, 2, compareOf(ir.FnLess)},
		{opName{"", "LessOrEqual"}, 2, 2, compareOf(ir.FnLessEqual)},
		{opName{"", "Log"}, 1, 1, unaryOf(ir.FnLog)},
		{opName{"", "Max"}, 1, anyNumber, foldOf(ir.FnMax)},
		{opName{"", "Mean"}, 1, anyNumber, lowerMean},
		{opName{"", "Min"}, 1, anyNumber, foldOf(ir.FnMin)},
		{opName{"", "Mod"}, 2, 2, lowerMod},
		{opName{"", "Mul"}, 2, 2, binaryOf(ir.FnMul)},
		{opName{"", "Neg"}, 1, 1, unaryOf(ir.FnNeg)},
		{opName{"", "Not"}, 1, 1, lowerNot},
		{opName{"", "Or"}, 2, 2, compareOf(ir.FnOr)},
		{opName{"", "Pow"}, 2, 2, lowerPow},
		{opName{"", "Reciprocal"}, 1, 1, unaryOf(ir.FnReciprocal)},
		{opName{"", "Relu"}, 1, 1, unaryOf(ir.FnRelu)},
		{opName{"", "Round"}, 1, 1, unaryOf(ir.FnRound)},
		{opName{"", "Sigmoid"}, 1, 1, unaryOf(ir.FnSigmoid)},
		{opName{"", "Sign"}, 1, 1, lowerSign},
		{opName{"", "Softplus"}, 1, 1, unaryOf(ir.FnSoftplus)},
		{opName{"", "Sqrt"}, 1, 1, unaryOf(ir.FnSqrt)},
		{opName{"", "Sub"}, 2, 2, binaryOf(ir.FnSub)},
		{opName{"", "Sum"}, 1, anyNumber, foldOf(ir.FnAdd)},
		{opName{"", "Tanh"}, 1, 1, unaryOf(ir.FnTanh)},
		{opName{"", "Where"}, 3, 3, lowerWhere},
		{opName{"", "Xor"}, 2, 2, compareOf(ir.FnXor)},
	}
}
