// Package space keeps room on the file systems that a server writes to.
//
// It owns two things. A Volume refuses uploads while less than a limit is free,
// before a body is taken and while it streams. Its reserve is a file of
// allocated blocks that holds nothing, and is given back step by step when a
// change that must not fail meets a full disk: a certificate is revoked, an
// object deleted.
//
// It does not know what is written, or for whom. It trusts the file system's
// own count of free blocks.
package space
