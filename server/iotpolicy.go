package server

import (
	"fmt"

	"github.com/thingpass/thingpass/policy"
)

// parseIoTPolicy is iot.Config.ParsePolicy.
func parseIoTPolicy(text string) (warnings []string, err error) {
	p, err := policy.Parse(policy.IoT, text)
	if err != nil {
		return nil, err
	}
	for _, w := range p.Warnings() {
		warnings = append(warnings, fmt.Sprint(w))
	}
	return warnings, nil
}
