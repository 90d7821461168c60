package features

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"example.com/copse/pkg/frame"
)

// asServer makes the test binary a source that answers after 20 ms, so that
// its CPU time is not ours.
const asServer = "FEATURES_TEST_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) == "" {
		os.Exit(m.Run())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	panic(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(20 * time.Millisecond)
		_, _ = w.Write([]byte(`{"amount":12.5,"age":40,"colour":"green"}`))
	})))
}

func startServer(b *testing.B) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asServer+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line := bufio.NewScanner(out)
	if !line.Scan() {
		b.Fatal("the server did not start")
	}
	return "http://" + line.Text() + "/features/{id}"
}

// cpu is the CPU time of this process so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFill fetches 100 ids from a source that takes 20 ms a call, without
// memory of earlier calls, and reports the least wall time and the mean CPU
// time of a Fill. The control asks for them one after another.
func BenchmarkFill(b *testing.B) {
	uri := startServer(b)
	for _, bench := range []struct {
		name        string
		concurrency int
	}{{"together", DefaultConcurrency}, {"control=sequential", 1}} {
		b.Run(bench.name, func(b *testing.B) {
			f := mustOpen(b, uri, Options{Concurrency: bench.concurrency})
			defer f.Close()
			s, ids := testSchema(b), make([]string, 100)
			for i := range ids {
				ids[i] = fmt.Sprintf("customer-%d", i)
			}
			fillAll(b, f, s, ids[:bench.concurrency]...) // opens the connections
			fr := new(frame.Frame)
			least := time.Hour
			before := cpu(b)
			n := 0
			for b.Loop() {
				start := time.Now()
				if err := f.Fill(b.Context(), ids, s, fr); err != nil || len(fr.Faults) > 0 {
					b.Fatal(err, fr.Faults)
				}
				least = min(least, time.Since(start))
				n++
			}
			used := cpu(b) - before
			b.ReportMetric(float64(least.Microseconds())/1000, "wall-ms")
			b.ReportMetric(float64(used.Microseconds())/1000/float64(n), "cpu-ms")
		})
	}
}
