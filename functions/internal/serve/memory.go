package serve

import "example.com/copse/functions/internal/env"

// WorkMemory is what a server may hold beside its models before the collector
// works harder: with what the runtime needs, it stays under 300 MB. What
// requests hold is bounded by the settings; this bounds what has not been
// collected yet.
const WorkMemory = 220 << 20

// LimitMemory sets a server's limit, once the models are loaded.
func LimitMemory(environ []string) { env.LimitMemory(environ, WorkMemory) }
