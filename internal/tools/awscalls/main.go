// SPDX-License-Identifier: Apache-2.0

// Command awscalls finds out which calls the real AWS provider makes for each type of the blueprint: it creates the graph with
// all options in an emulator of AWS (moto's server), reads it again, changes its tags and destroys it, and reads the calls from
// the provider's log. It compares them with internal/awskind/calls.tsv, and marks there what it has measured.
//
// An emulator is not AWS: what it lacks fails, and stays marked as read from the provider's source. Permissions that AWS asks
// for beside a call, such as iam:PassRole, no emulator shows.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"time"

	"emrflink/internal/tools/terraform"
)

const table = "internal/awskind/calls.tsv"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	bin := flag.String("bin", "bin", "folder of the binaries")
	write := flag.Bool("write", false, "mark in "+table+" what was measured")
	flag.Parse()
	err := run(ctx, *bin, *write)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// options switch on every part of the blueprint that makes AWS resources of further types.
func options() map[string]string {
	return map[string]string{
		"kmsKey": `{"enabled": true}`, "interfaceEndpoints": `["ecr.api"]`, "podIdentity": "true", "clusterAutoscaler": "true",
		"flowLogs":            "all",
		"admins":              `["arn:aws:iam::111122223333:role/platform-admin"]`,
		"permissionsBoundary": "arn:aws:iam::111122223333:policy/boundary", "rolePath": "/platform/",
	}
}

func run(ctx context.Context, bin string, write bool) (err error) {
	dir, err := os.MkdirTemp("", "emrflink-awscalls-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	endpoint, end, err := emulator(ctx)
	if err != nil {
		return err
	}
	defer end()
	nodes, err := terraform.Preview(ctx, bin, dir, options())
	if err != nil {
		return err
	}
	tf, err := terraform.Open(ctx, filepath.Join(dir, "terraform"), false)
	if err != nil {
		return err
	}
	config, err := terraform.ConfigOf(ctx, tf, terraform.AWS(nodes))
	if err != nil {
		return err
	}
	seen, err := live(ctx, tf, filepath.Join(dir, "terraform", "log"), config, endpoint)
	if err != nil {
		return err
	}
	return compare(seen, write)
}

// emulator starts moto's server on a free port.
func emulator(ctx context.Context) (endpoint string, end func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return "", nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.CommandContext(ctx, "moto_server", "-H", "127.0.0.1", "-p", port)
	cmd.Env = append(os.Environ(), "MOTO_ACCOUNT_ID=111122223333", "MOTO_IAM_LOAD_MANAGED_POLICIES=true")
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start moto's server (pip install 'moto[server]'): %w", err)
	}
	end = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	for range 300 {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = c.Close()
			return "http://" + address, end, nil
		}
		time.Sleep(time.Second)
	}
	end()
	return "", nil, errors.New("moto's server does not answer on port " + strconv.Quote(port))
}
