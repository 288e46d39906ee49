package main

import (
	"context"

	"github.com/thingpass/thingpass/test/rig"
)

func authentication(context.Context, options, string, *rig.RGW) error { return nil }
