// SPDX-License-Identifier: Apache-2.0

// Command broker runs one broker of Apache Kafka on this machine, for the sample job kafka on the local target: the program
// itself, fetched by Maven, with transactions, and without MSK's login by IAM. Its data is below -dir and stays; Ctrl-C ends it.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed pom.xml
var pom []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := broker{}
	flag.StringVar(&b.dir, "dir", "bin/kafka", "folder of the broker's jars and data")
	flag.StringVar(&b.host, "host", "127.0.0.1", "address of this machine to listen on")
	flag.IntVar(&b.port, "port", 9092, "port of the broker; the next one is its controller's")
	flag.Parse()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

type broker struct {
	dir, host string
	port      int
}

func (b broker) address(port int) string { return net.JoinHostPort(b.host, fmt.Sprint(port)) }

func (b broker) run(ctx context.Context) error {
	dir, err := filepath.Abs(b.dir)
	if err != nil {
		return err
	}
	b.dir = dir
	if err := b.fetch(ctx); err != nil {
		return fmt.Errorf("fetch Kafka: %w", err)
	}
	if err := b.format(ctx); err != nil {
		return fmt.Errorf("make the folder of the broker's data: %w", err)
	}
	log, err := os.Create(filepath.Join(b.dir, "broker.log"))
	if err != nil {
		return err
	}
	defer log.Close() // the broker has written it
	cmd := b.java(ctx, "kafka.Kafka", b.config())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := b.ready(ctx, ended); err != nil {
		return fmt.Errorf("start the broker: %w; its log is %s", err, log.Name())
	}
	fmt.Printf("Kafka listens on %s, until Ctrl-C; its log is %s\n", b.address(b.port), log.Name())
	fmt.Printf("run the sample: emrflink sample-job run kafka --set brokers=%s --set iam=false\n", b.address(b.port))
	if err := <-ended; ctx.Err() == nil {
		return fmt.Errorf("the broker has ended: %w; its log is %s", err, log.Name())
	}
	return nil
}

// fetch lets Maven copy the jars, once.
func (b broker) fetch(ctx context.Context) error {
	libs := filepath.Join(b.dir, "libs")
	if _, err := os.Stat(libs); err == nil {
		return nil
	}
	if err := os.MkdirAll(b.dir, 0o750); err != nil {
		return err
	}
	file := filepath.Join(b.dir, "pom.xml")
	if err := os.WriteFile(file, pom, 0o600); err != nil {
		return err
	}
	half := libs + ".part" // what is not whole is no folder of jars
	// #nosec G204 -- our own arguments
	cmd := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "-Dstyle.color=never", "--file", file,
		"org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies", "-DoutputDirectory="+half)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	return os.Rename(half, libs)
}

func (b broker) config() string { return filepath.Join(b.dir, "server.properties") }

// format writes the configuration, and prepares the data folder unless it is prepared.
func (b broker) format(ctx context.Context) error {
	data := filepath.Join(b.dir, "data")
	config := strings.Join([]string{
		"process.roles=broker,controller", "node.id=1", "controller.listener.names=CONTROLLER",
		"controller.quorum.voters=1@" + b.address(b.port+1),
		"listeners=PLAINTEXT://" + b.address(b.port) + ",CONTROLLER://" + b.address(b.port+1),
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + data, "offsets.topic.replication.factor=1", "transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1", "group.initial.rebalance.delay.ms=0",
	}, "\n")
	if err := os.WriteFile(b.config(), []byte(config+"\n"), 0o600); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(data, "meta.properties")); err == nil {
		return nil
	}
	const clusterID = "emrflinkLocalKafka0000" // 16 bytes in base64
	format := b.java(ctx, "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", b.config())
	if said, err := format.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	return nil
}

func (b broker) java(ctx context.Context, class string, args ...string) *exec.Cmd {
	// #nosec G204 -- our own arguments
	return exec.CommandContext(ctx, "java", append([]string{
		"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-classpath", filepath.Join(b.dir, "libs", "*"), class,
	}, args...)...)
}

// ready waits until the broker takes connections.
func (b broker) ready(ctx context.Context, ended <-chan error) error {
	const patience = 2 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		dialer := net.Dialer{Timeout: time.Second}
		if c, err := dialer.DialContext(ctx, "tcp", b.address(b.port)); err == nil {
			return c.Close()
		}
		select {
		case err := <-ended:
			return errors.Join(err, errors.New("it has ended"))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
