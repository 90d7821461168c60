// Package model is the model that answers when no other is configured: a
// forest on Fisher's iris. CARD.md says what it is good for; model/train makes
// it (make model), and a test there holds the committed files equal to what it
// makes.
package model

import _ "embed"

// Name is the model's name in routes and replies.
const Name = "iris"

//go:embed iris.copse
var bundle []byte

// Bundle returns the compiled model. It is shared and lies in the binary's
// read-only part: do not change it.
func Bundle() []byte { return bundle }
