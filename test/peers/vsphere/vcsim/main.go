// govmomi's simulator as a server: an ESX host or a vCenter on loopback, over TLS, with a user of its own.
// The password comes by the environment. Prints the port once it listens, and leaves with its standard input.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	mode := flag.String("mode", "esx", "esx or vcenter")
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	certificate := flag.String("cert", "", "file of the server's certificate, in PEM form")
	key := flag.String("key", "", "file of its key, in PEM form")
	user := flag.String("user", "root", "who may log in")
	machines := flag.Int("machines", 0, "machines per resource pool, all running")
	datastores := flag.Int("datastores", 1, "LocalDS_0 and so on, on every host")
	taskMillis := flag.Int("task-millis", 0, "how long every task takes")
	flag.Parse()

	model := simulator.ESX()
	if *mode == "vcenter" {
		model = simulator.VPX()
	} else if *mode != "esx" {
		log.Fatalf("-mode: %q was given; accepted: esx, vcenter", *mode)
	}
	model.Machine, model.Datastore = *machines, *datastores
	defer model.Remove()
	must(model.Create())

	pair, err := tls.LoadX509KeyPair(*certificate, *key)
	must(err)
	service := model.Service
	service.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	service.Listen = &url.URL{Host: *address, User: url.UserPassword(*user, os.Getenv("VCSIM_PASSWORD"))}
	// After the model: its machines are made by tasks, too.
	simulator.TaskDelay.Delay = *taskMillis
	server := service.NewServer()
	defer server.Close()

	fmt.Println(server.URL.Port())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
