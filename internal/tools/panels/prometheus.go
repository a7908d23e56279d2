// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"emrflink/components/flinkoperator"
	"emrflink/karpenter"
	"emrflink/observability"
)

type object = map[string]any

// prometheus is the running one.
type prometheus struct {
	cmd       *exec.Cmd
	address   string
	log       string
	karpenter string // the address of Karpenter's metrics
}

// scrape starts a Prometheus that has of the pods of the local target what its discovery tells it of those of a cluster, and
// goes on from there with the same rules as on AWS. Debian's Prometheus has no discovery in Kubernetes.
func (t *tool) scrape(ctx context.Context, program string) (*prometheus, error) {
	config, err := t.command(ctx, "kubeconfig", "--print")
	if err != nil {
		return nil, err
	}
	access := filepath.Join(t.dir, "kubeconfig")
	if err := os.WriteFile(access, []byte(config), 0o600); err != nil {
		return nil, err
	}
	p := &prometheus{}
	if p.karpenter, err = karpenterAddress(ctx, t.home); err != nil {
		return nil, err
	}
	jobs := []any{}
	for _, target := range observability.Targets([]string{"flink-team-a"}, flinkoperator.Namespace, karpenter.Namespace) {
		job := target.Job()
		delete(job, "kubernetes_sd_configs")
		if job["static_configs"], err = discovered(ctx, access, target.Namespaces); err != nil {
			return nil, err
		}
		// A pod's address 100.X.Y.Z is 127.X.Y.Z on this machine, and Karpenter runs beside its pods.
		local := object{
			"source_labels": []any{"__address__"}, "regex": `100\.(.*)`, "replacement": "127.$1", "target_label": "__address__",
		}
		if target.Name == "karpenter" {
			local = object{"target_label": "__address__", "replacement": p.karpenter}
		}
		job["relabel_configs"] = append(job["relabel_configs"].([]any), local)
		jobs = append(jobs, job)
	}
	raw, err := json.Marshal(object{"global": object{"scrape_interval": "5s"}, "scrape_configs": jobs})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(t.dir, "prometheus.yml")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return nil, err
	}
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.address = free.Addr().String()
	if err := free.Close(); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(t.dir, "prometheus.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own handle
	p.cmd = exec.CommandContext(ctx, program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(t.dir, "data"),
		"--web.listen-address="+p.address)
	p.cmd.Env = append(os.Environ(), "EMRFLINK_HOME="+t.home)
	p.cmd.Stderr, p.log = log, log.Name()
	return p, p.cmd.Start()
}

// failed adds what Prometheus logged to an error.
func (p *prometheus) failed(err error) error {
	if err == nil {
		return nil
	}
	log, _ := os.ReadFile(p.log)
	return fmt.Errorf("%w\n%s", err, log[max(0, len(log)-2000):])
}

// discovered are the targets of the pods in namespaces, as Prometheus' discovery makes them: one for each container and each
// port that it declares.
func discovered(ctx context.Context, access string, namespaces []string) ([]any, error) {
	groups := []any{}
	for _, namespace := range namespaces {
		raw, err := exec.CommandContext(ctx, "kubectl", "--kubeconfig", access, "get", "pods", "--namespace", namespace,
			"--output", "json").Output()
		if err != nil {
			return nil, fmt.Errorf("kubectl get pods: %w", err)
		}
		var list struct{ Items []corev1.Pod }
		if err := decode(raw, &list); err != nil {
			return nil, err
		}
		for _, pod := range list.Items {
			const meta = "__meta_kubernetes_pod_"
			labels := map[string]string{"__meta_kubernetes_namespace": namespace, meta + "name": pod.Name,
				meta + "ip": pod.Status.PodIP, meta + "phase": string(pod.Status.Phase)}
			for k, v := range pod.Labels {
				labels[meta+"label_"+regexp.MustCompile(`\W`).ReplaceAllString(k, "_")] = v
			}
			for _, c := range pod.Spec.Containers {
				of := maps.Clone(labels)
				of[meta+"container_name"] = c.Name
				addresses := []string{pod.Status.PodIP}
				for _, port := range c.Ports {
					addresses = append(addresses, net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(int(port.ContainerPort))))
				}
				groups = append(groups, object{"targets": addresses, "labels": of})
			}
		}
	}
	return groups, nil
}

func (p *prometheus) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
}

// karpenterAddress finds where the Karpenter of a state folder offers its metrics: at one of its two ports.
func karpenterAddress(ctx context.Context, home string) (string, error) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if !strings.Contains(string(line), "localkube\x00karpenter") || !strings.Contains(string(env), home+"/") {
			continue
		}
		for _, port := range listening(dir) {
			address := "127.0.0.1:" + strconv.Itoa(port)
			body, err := get(ctx, "http://"+address+"/metrics")
			if err == nil && strings.Contains(string(body), "karpenter_build_info") {
				return address, nil
			}
		}
	}
	return "", fmt.Errorf("no Karpenter of %s offers metrics: is its local target up?", home)
}

// listening are the TCP ports at which a process listens: the sockets that are both its own and listening.
func listening(dir string) []int {
	own := map[string]bool{}
	fds, _ := filepath.Glob(filepath.Join(dir, "fd", "*"))
	for _, fd := range fds {
		link, _ := os.Readlink(fd)
		own[strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")] = true
	}
	var ports []int
	for _, table := range []string{"tcp", "tcp6"} {
		file, err := os.Open(filepath.Join(dir, "net", table))
		if err != nil {
			continue
		}
		for s := bufio.NewScanner(file); s.Scan(); {
			f := strings.Fields(s.Text())
			const listen = "0A"
			if len(f) > 9 && f[3] == listen && own[f[9]] {
				if port, err := strconv.ParseInt(f[1][strings.LastIndex(f[1], ":")+1:], 16, 32); err == nil {
					ports = append(ports, int(port))
				}
			}
		}
		_ = file.Close() // it was read
	}
	return ports
}

func get(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// series is one result of a query.
type series struct {
	Metric map[string]string
	Value  [2]any
}

// query evaluates an expression as it was so long ago.
func (p *prometheus) query(ctx context.Context, expr string, ago time.Duration) ([]series, error) {
	for _, choice := range []string{"$namespace", "$job"} {
		expr = strings.ReplaceAll(expr, choice, ".*")
	}
	raw, err := get(ctx, "http://"+p.address+"/api/v1/query?query="+url.QueryEscape(expr)+
		fmt.Sprintf("&time=%d", time.Now().Add(-ago).Unix()))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error string
		Data  struct{ Result []series }
	}
	if err := decode(raw, &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s: %s", expr, answer.Error)
	}
	return answer.Data.Result, nil
}

// writeNames writes the names of the metrics that Prometheus has seen, a file for each process that offers them.
func (p *prometheus) writeNames(ctx context.Context, dir string) error {
	raw, err := get(ctx, "http://"+p.address+"/api/v1/label/__name__/values")
	if err != nil {
		return err
	}
	var answer struct{ Data []string }
	if err := decode(raw, &answer); err != nil {
		return err
	}
	files := map[string]string{
		"flink":     "Flink 1.20.1, at port 9249 of JobManagers and TaskManagers",
		"karpenter": "Karpenter, at the port of its metrics",
		kafka:       "Flink 1.20.1 with Kafka's connector, beside those of every job",
	}
	collectors := regexp.MustCompile(`_GarbageCollector_(Copy|MarkSweepCompact|G1)|_bucket$|_sum$`)
	part := func(metric string) bool { // of a histogram or a summary
		base, counts := strings.CutSuffix(metric, "_count")
		return collectors.MatchString(metric) || counts && slices.Contains(answer.Data, base+"_sum")
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var seen []string
		for _, metric := range answer.Data {
			of := strings.SplitN(metric, "_", 2)[0]
			if of == "flink" && regexp.MustCompile(`Kafka|[cC]ommitt|pendingRecords$|currentSendTime$`).MatchString(metric) {
				of = kafka
			}
			if of == name && !part(metric) {
				seen = append(seen, metric)
			}
		}
		if len(seen) == 0 {
			continue // the job did not run: what was seen before stays
		}
		text := "# Seen on the local target by make panels: " + files[name] + ".\n" + strings.Join(seen, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(dir, name+".txt"), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
