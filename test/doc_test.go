// Package test holds the tests that need the built program and real clients:
// crashes, AWS's own device provider, boto3. They use the doors only, through
// package rig.
package test
