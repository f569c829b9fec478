// Dumps the IPv4 routes of table main as a user of vishvananda/netlink does, and prints how many there are and the milliseconds that
// it took.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/vishvananda/netlink"
)

func main() {
	start := time.Now()
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Cannot list the routes:", err)
		os.Exit(1)
	}
	fmt.Printf("{\"routes\": %d, \"ms\": %.1f}\n", len(routes), float64(time.Since(start).Microseconds())/1e3)
}
