package iot

import (
	_ "embed"
	"strings"

	"github.com/thingpass/thingpass/wire"
)

//go:embed operations.txt
var operations string

// elsewhere has the names of all operations of AWS IoT, by method and path: a
// request of this protocol does not name its operation, and an error about one
// that is not here should.
func elsewhere() *wire.Routes[string] {
	var routes wire.Routes[string]
	for line := range strings.Lines(operations) {
		if f := strings.Fields(line); len(f) == 3 && f[0] != "#" {
			routes.Add(f[0], f[1], f[2])
		}
	}
	return &routes
}
