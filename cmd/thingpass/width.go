package main

import (
	"os"
	"strings"
	"syscall"
	"unsafe"
)

// widthOf is how many columns a terminal has, 0 for what is none.
func widthOf(f *os.File) int {
	var size struct{ rows, columns, x, y uint16 }
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0
	}
	return int(size.columns)
}

// wrapped breaks a line at blanks so that none is longer than width, further
// lines with an indent; width 0 does not.
func wrapped(line string, width, indent int) string {
	if width <= indent+20 || len(line) <= width {
		return line
	}
	var lines []string
	for len(line) > width {
		at := strings.LastIndexByte(line[:width+1], ' ')
		if at <= indent {
			break // one word that is too long
		}
		lines = append(lines, strings.TrimRight(line[:at], " "))
		line = strings.Repeat(" ", indent) + strings.TrimLeft(line[at:], " ")
	}
	return strings.Join(append(lines, line), "\n")
}
