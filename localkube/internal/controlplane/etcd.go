// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The sizes and clocks of a store with one member: an election takes 0.1 s instead of 1 s, and a segment of the
// log 4 MB instead of 64 MB. Compaction is left to the API server (every 5 minutes).
const (
	etcdTickMs     = 10
	etcdElectionMs = 100
	walSegment     = 4 << 20
	etcdStart      = 3 * time.Minute // on a machine that has too much to do
	slowRequest    = time.Second     // zero would log every request
)

// startEtcd starts the store on a unix socket below the state directory, so that no other user of the machine
// can reach it. The process must have changed into that directory: a socket address may have 107 bytes at most,
// and state directories are longer than that.
//
// It does not call fsync. A kill -9 of this process loses nothing, because what was written is in the kernel's
// page cache, in order; a power cut may lose the simulated cluster's last seconds, or the cluster. That is the
// price for writes that do not wait for the disk, and it is right for a simulation.
func startEtcd(ctx context.Context, d dir, log io.Writer) (*embed.Etcd, error) {
	wal.SegmentSizeBytes = walSegment
	cfg := embed.NewConfig()
	cfg.Name = "localkube"
	cfg.Dir = d.path(etcdDir)
	cfg.ListenClientUrls = []url.URL{{Scheme: "unix", Host: etcdSocket}}
	cfg.ListenPeerUrls = []url.URL{{Scheme: "unix", Host: etcdPeerSocket}}
	// Advertised addresses must have a port, even though nobody dials them.
	cfg.AdvertiseClientUrls = []url.URL{{Scheme: "http", Host: "localhost:2379"}}
	cfg.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: "localhost:2380"}}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.TickMs, cfg.ElectionMs = etcdTickMs, etcdElectionMs
	cfg.UnsafeNoFsync = true
	cfg.WarningUnaryRequestDuration, cfg.WarningApplyDuration = slowRequest, slowRequest
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zapTo(log))
	for _, stale := range []string{etcdSocket, etcdPeerSocket} {
		if err := os.RemoveAll(d.path(stale)); err != nil {
			return nil, fmt.Errorf("remove the socket of an earlier start: %w", err)
		}
	}
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-e.Server.ReadyNotify():
		return e, nil
	case err := <-e.Err():
		e.Close()
		return nil, fmt.Errorf("start etcd: %w", err)
	case <-time.After(etcdStart):
		e.Close()
		return nil, fmt.Errorf("start etcd: not ready after %s", etcdStart)
	case <-ctx.Done():
		e.Close()
		return nil, ctx.Err()
	}
}

func zapTo(w io.Writer) *zap.Logger {
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(enc), zapcore.AddSync(w), zapcore.WarnLevel))
}
