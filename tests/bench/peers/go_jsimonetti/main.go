// Dumps the IPv4 routes as a user of jsimonetti/rtnetlink does (the library of the Go program that came before), and prints how many
// there are and the milliseconds that it took.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

func main() {
	start := time.Now()
	connection, err := rtnetlink.Dial(nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Cannot open a netlink socket:", err)
		os.Exit(1)
	}
	defer connection.Close()
	routes, err := connection.Route.List()
	if err != nil {
		fmt.Fprintln(os.Stderr, "Cannot list the routes:", err)
		os.Exit(1)
	}
	kept := routes[:0]
	for _, route := range routes {
		if route.Family == unix.AF_INET && route.Attributes.Table == unix.RT_TABLE_MAIN {
			kept = append(kept, route)
		}
	}
	fmt.Printf("{\"routes\": %d, \"ms\": %.1f}\n", len(kept), float64(time.Since(start).Microseconds())/1e3)
}
