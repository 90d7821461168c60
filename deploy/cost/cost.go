package main

import "math"

// work is what is to be scored, and with what.
type work struct {
	Rows        float64
	JSONBytes   float64 // of a row as JSON, in a message
	RowBytes    float64 // of a row in a CSV file
	AnswerBytes float64 // of a row's answer
	MessageRows float64
	Batch       float64 // messages a call of the function
	Objects     float64
	PartBytes   float64
	BatchOf     float64 // objects of one child execution
	Memory      float64 // of a function, MB
	Concurrency float64 // functions, or Dataflow's vCPUs
	Overhead    float64 // seconds of a call beside its rows
	MapStart    float64 // seconds before a Distributed Map has listed and started
	Start       float64 // seconds of a Dataflow worker before it works
	Speed       float64 // of the CPU, where the measured one is 1
	JSON, CSV   figure  // rows a second of one core
}

// fullCPU is the memory, in MB, with which a function has one whole CPU.
const fullCPU = 1769

// readAhead is what one ranged read, and one part of an upload, has: 8 MiB.
const readAhead = 8 << 20

// item is a line of a bill.
type item struct {
	what   string
	amount float64
	price  price
}

func (i item) usd() float64 { return i.amount * i.price.usd }

// bill is the cost and time of one way.
type bill struct {
	name    string
	seconds float64 // from first to last row
	items   []item
}

func (b bill) usd() (sum float64) {
	for _, i := range b.items {
		sum += i.usd()
	}
	return sum
}

// cpus that a function works with.
func (w work) cpus() float64 { return w.Memory / fullCPU }

func (w work) functions(calls, rate float64) (seconds float64, items []item) {
	busy := w.Rows/(rate*w.Speed*w.cpus()) + calls*w.Overhead
	return busy / math.Min(w.Concurrency, math.Max(calls, 1)), []item{
		{"time of functions", busy * w.Memory / 1024, lambdaTime},
		{"calls", calls, lambdaCall},
	}
}

// queue: rows in messages, answers to another queue. A request of SQS is 64 KB
// of a call, and ten small messages are deleted in one.
func queue(w work) bill {
	messages := math.Ceil(w.Rows / w.MessageRows)
	chunks := func(bytes float64) float64 { return math.Ceil(bytes / 65536) }
	in, out := chunks(w.MessageRows*w.JSONBytes), chunks(w.MessageRows*w.AnswerBytes)
	seconds, items := w.functions(math.Ceil(messages/w.Batch), w.JSON.value)
	return bill{"functions from a queue", seconds, append(items,
		item{"requests: send, receive, delete", messages * (2*in + 0.1), sqsRequest},
		item{"requests: answers", messages * out, sqsRequest})}
}

// distributedMap: objects, cut into parts. A child execution has four
// transitions and one for each call; the map adds one for its start.
func distributedMap(w work) bill {
	bytes := w.Rows * w.RowBytes
	size := bytes / w.Objects
	calls := math.Ceil(bytes / w.PartBytes)
	if size > w.PartBytes {
		calls = w.Objects * math.Ceil(size/w.PartBytes)
	}
	children := math.Ceil(w.Objects / w.BatchOf)
	calls = math.Max(calls, children)
	results := calls
	if size < w.PartBytes {
		results = w.Objects
	}
	seconds, items := w.functions(calls, w.CSV.value)
	return bill{"Distributed Map over objects", seconds + w.MapStart, append(items,
		item{"transitions", children*5 + calls*2, transition},
		item{"reads", math.Max(w.Objects, bytes/readAhead) + calls, s3Get},
		item{"writes", math.Max(results, w.Rows*w.AnswerBytes/readAhead) + 2*results + w.Objects/1000, s3Put})}
}

// beam: the same files, at the same speed, on Dataflow's workers of one vCPU,
// 3.75 GB and a disk of 25 GB.
func beam(w work) bill {
	busy := w.Rows / (w.CSV.value * w.Speed)
	hours := (busy + w.Concurrency*w.Start) / 3600
	return bill{"Beam on Dataflow", busy/w.Concurrency + w.Start, []item{
		{"CPU", hours, dataflowCPU},
		{"memory", hours * 3.75, dataflowMemory},
		{"disk", hours * 25, dataflowDisk},
	}}
}
