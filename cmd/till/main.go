// Command till is the shop: one program, one folder. All of it is in package cmd.
package main

import (
	"os"

	"till/cmd"
)

func main() { os.Exit(cmd.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
