// Package server wires the rooms together and runs them: it makes and opens
// an installation (a data folder), listens on the two doors and the operations
// address, reloads keys and certificates, and shuts down without dropping what
// is in flight.
//
// It is the only package that knows everybody. It owns no rules.
//
// The data folder is trusted, all of it: it holds the keys of the server, of
// the device CA and of the key ring. It is created with mode 0700.
package server
