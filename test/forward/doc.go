// Package forward tests the way through the gateway to a real engine, Ceph's
// gateway: what arrives there, and what a client sees when the engine stops,
// dies and comes back. It owns nothing but tests; package rig runs the engine.
package forward
