// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/root"
	"emrflink/internal/iostreams"
)

// TestMain refuses to be the engine or the local target: bad input starts neither, and this binary would run its tests again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		fmt.Fprintln(os.Stderr, "a test started", os.Args[1:])
		os.Exit(97)
	}
	os.Exit(m.Run())
}

// bad is something that a user gets wrong: a command line, the settings of the stack, or a variable.
type bad struct {
	line string
	// settings are those of the stack, a line each below config:; whole is a whole file.
	settings, whole string
	env             string // NAME=value
	code            int    // 0 = 2, which most are
	// says is what is wrong, in the error, its cause or its problems; next is part of what to do next.
	says, next string
}

// commandWords are words that are no commands.
func commandWords() []bad {
	near := map[string]string{
		"deplyo": "deploy", "deploi": "deploy", "Deploy": "deploy", "apply": "deploy", "up": "deploy", "create": "deploy",
		"prevew": "preview", "plan": "preview", "diff": "preview", "clean": "cleanup", "cleenup": "cleanup",
		"destroy": "cleanup", "down": "cleanup", "delete": "cleanup", "uninstall": "cleanup", "stauts": "status",
		"outputz": "outputs", "kubconfig": "kubeconfig", "samplejob": "sample-job", "sample-jobs": "sample-job",
		"logs": "job logs", "jobs": "job list", "doctr": "doctor", "versio": "version", "cots": "cost",
		"driff": "drift", "ini": "init", "inventory": "local inventory", "validate": "config validate",
		"local statsu": "local status", "local fault sett": "local fault set",
		"local fault remove": "usage: emrflink local fault",
		"sample-job rnu":     "sample-job run", "sample-job start": "usage: emrflink sample-job", "state restor": "state restore",
		"config valdate": "config validate", "local flink instal": "local flink install",
	}
	var out []bad
	for word, next := range near {
		if !strings.HasPrefix(next, "usage: ") {
			next = "emrflink " + next
		}
		out = append(out, bad{line: word, says: "has no command", next: next})
	}
	for _, line := range []string{
		"deplyo --yes", "deplyo --stack dev --yes", "--stack dev deplyo", "-s dev deplyo", "-v deplyo", "deplyo --help",
		"--yes deplyo", "help deplyo", "apply --auto-approve", "--stack=dev up --refresh",
	} {
		out = append(out, bad{line: line, says: "has no command", next: "emrflink deploy"})
	}
	return append(out,
		bad{line: "zzz", says: `"emrflink" has no command "zzz"`, next: "usage: emrflink COMMAND"},
		bad{line: "help deploy now", says: `"emrflink deploy" has no command "now"`, next: "usage: emrflink deploy"},
		bad{line: "help local zzz", says: `"emrflink local" has no command "zzz"`, next: "usage: emrflink local COMMAND"},
		bad{line: "help exit-cods", says: `no command "exit-cods"`, next: "usage: emrflink COMMAND"},
	)
}

// flagMistakes are wrong flags and wrong values of flags.
func flagMistakes() []bad {
	return []bad{
		{line: "--yes deploy", says: "it belongs behind a command: cleanup, deploy", next: "usage: emrflink"},
		{line: "--yess", says: "unknown flag: --yess", next: "usage: emrflink"},
		{line: "deploy --stak dev", says: "did you mean --stack?", next: "usage: emrflink deploy"},
		{line: "deploy --refesh", says: "did you mean --refresh?", next: "usage: emrflink deploy"},
		{line: "deploy --sure", says: "unknown flag: --sure", next: "usage: emrflink deploy"},
		{line: "cleanup --dryrun", says: "did you mean --dry-run?", next: "usage: emrflink cleanup"},
		{line: "preview --ofline", says: "did you mean --offline?", next: "usage: emrflink preview"},
		{line: "preview -x", says: "unknown shorthand flag: 'x'", next: "usage: emrflink preview"},
		{line: "sample-job run a --paralelism 2", says: "did you mean --parallelism?", next: "usage: emrflink sample-job run"},
		{line: "deploy --stack", says: "flag needs an argument: --stack", next: "usage: emrflink deploy"},
		{line: "deploy -s", says: "flag needs an argument: 's'", next: "usage: emrflink deploy"},
		{line: "deploy --plan", says: "flag needs an argument: --plan", next: "usage: emrflink deploy"},
		{line: "deploy --yes=maybe", says: "want true or false", next: "usage: emrflink deploy"},
		{line: "version --color maybe", says: "must be one of auto, always, never", next: "usage: emrflink version"},
		{line: "version -o yaml", says: "must be text or json", next: "usage: emrflink version"},
		{line: "graph -o png", says: "must be svg or mermaid", next: "usage: emrflink graph"},
		{line: "preview --output pdf", says: "must be text, json, markdown or html", next: "usage: emrflink preview"},
		{line: "sample-job run basic --timeout soon", says: `invalid argument "soon"`, next: "usage: emrflink sample-job run"},
		{line: "sample-job run basic --timeout 5", says: "missing unit", next: "usage: emrflink sample-job run"},
		{line: "sample-job run basic --parallelism two", says: "want a whole number", next: "usage: emrflink sample-job run"},
		{line: "local serve --port http", says: "want a whole number", next: "usage: emrflink local serve"},
		{line: "local serve --port 99999", says: "port 99999: want 1 to 65535", next: "local serve --help"},
		{line: "local serve --speed -1", says: "want a positive number", next: "local serve --help"},
		{line: "local serve --speed NaN", says: "want a positive number", next: "local serve --help"},
		{line: "local fault set s3:PutObject", says: "needs --error, --delay or both", next: "usage: emrflink local fault set"},
		{line: "local fault set s3:PutObject --error X --times -1", says: "cannot be negative", next: "local fault set"},
		{line: "local fault set s3:PutObject --delay -1s", says: "cannot be negative", next: "local fault set"},
		{line: "local fault drift vpc", says: "give --delete, or --set and --unset", next: "usage: emrflink local fault drift"},
		{line: "local fault drift vpc --delete --set a=1", says: "give --delete, or --set", next: "local fault drift"},
		{line: "kubeconfig --print --file x", says: "leave out --file", next: "usage: emrflink kubeconfig"},
		{line: "eks-token", says: "needs --cluster", next: "eks-token"},
		{line: "cleanup --yes", says: "explicit --stack NAME", next: "cleanup"},
		{line: "cleanup", says: "no terminal", next: "pass --stack local --yes"},
		{line: "deploy", says: "no terminal", next: "pass --yes"},
		{line: "local reset", says: "no terminal", next: "pass --yes"},
		{line: "status --stack a/b", says: `stack name "a/b"`, next: "emrflink status --stack local"},
		{line: "status --stack ..", says: `stack name ".."`, next: "emrflink status --stack local"},
		{line: "status --stack " + strings.Repeat("x", 101), says: "at most 100", next: "emrflink status"},
		{line: "status --stack=", says: `stack name ""`, next: "emrflink status"},
		{line: "status --stack nosuch", says: "there is no file Pulumi.nosuch.yaml", next: "emrflink init --stack nosuch"},
		{line: "preview --offline --stack nosuch", says: `no such stack "nosuch"`, next: "emrflink init --stack nosuch"},
		{line: "status --state /var/state", says: `the state "/var/state" is not a URL`, next: "file:///var/state"},
		{line: "status --state state", says: `the state "state" is not a URL`, next: "file:///"},
		{line: "status --state gs://bucket", says: "is in Google Cloud Storage", next: "--state or PULUMI_BACKEND_URL"},
		{line: "outputs --state https://api.pulumi.com", says: "is in Pulumi Cloud", next: "pulumi stack export"},
		{line: "status --state ftp://x", says: "is in ftp://", next: "--state or PULUMI_BACKEND_URL"},
		{line: "status --config-file /nowhere", says: `read stack file "/nowhere": no such file`, next: "emrflink init"},
		{line: "status --config-file /", says: "is a directory", next: "emrflink"},
		{line: "preview --baseline /nowhere", says: "/nowhere: no such file", next: "--save-baseline"},
		{line: "preview --baseline /", says: "is a directory", next: "--save-baseline"},
		{line: "deploy --yes --plan /nowhere", says: "/nowhere: no such file", next: "--save-plan"},
		{line: "deploy --yes --skip-checks quota-vcp", says: "no such check; there are program-aws", next: "deploy --help"},
		{line: "init --set region", says: `--set "region": want KEY=VALUE`, next: "emrflink init --help"},
		{line: "init --set =x", says: "want KEY=VALUE", next: "emrflink init --help"},
		{line: "init --set name={", says: `--set "name={"`, next: "emrflink init --help"},
		{line: "init --set name=a --set name=b", says: "--set name: given twice", next: "emrflink init --help"},
		{line: "init --set vpcCdir=10.0.0.0/16", says: `did you mean "vpcCidr"?`, next: "help environment"},
		{line: "init --target gcp", says: "not one of local, aws", next: "help environment"},
		{line: "init --config-file /nowhere/f.yaml", says: "there is no such folder", code: 1, next: "mkdir -p /nowhere"},
	}
}

// arguments are too many or too few of them, or wrong ones.
func arguments() []bad {
	var out []bad
	for _, c := range []string{
		"deploy", "preview", "cleanup", "status", "drift", "cost", "graph", "doctor", "init", "kubeconfig", "version",
		"eks-token", "local status", "local inventory", "local stop", "local reset", "local fault list",
		"sample-job list", "config schema",
	} {
		out = append(out, bad{line: c + " now", says: `takes no argument, got "now"`, next: "usage: emrflink " + c})
	}
	return append(out,
		bad{line: "outputs a b", says: `takes NAME, got also "b"`, next: "usage: emrflink outputs"},
		bad{line: "config validate a b", says: `takes FILE, got also "b"`, next: "usage: emrflink config validate"},
		bad{line: "config validate /nowhere", says: `read stack file "/nowhere"`, next: "emrflink init"},
		bad{line: "sample-job status a b", says: `takes JOB, got also "b"`, next: "usage: emrflink sample-job status"},
		bad{line: "sample-job run", says: "needs the name of a sample", next: "usage: emrflink sample-job run"},
		bad{line: "sample-job run basic again", says: `got also "again"`, next: "usage: emrflink sample-job run"},
		bad{line: "sample-job run basik", says: `no sample job "basik"`, next: "emrflink sample-job list"},
		bad{line: "sample-job render nosuch", says: `no sample job "nosuch"`, next: "emrflink sample-job list"},
		bad{line: "sample-job delete", says: "needs", next: "usage: emrflink sample-job delete"},
		bad{line: "completion", says: "needs the name of a shell", next: "usage: emrflink completion"},
		bad{line: "completion tcsh", says: "want one of bash, zsh, fish, powershell", next: "usage: emrflink completion"},
		bad{line: "local fault set", says: "needs ACTION", next: "usage: emrflink local fault set"},
		bad{line: "local fault clear a b", says: `takes ACTION, got also "b"`, next: "usage: emrflink local fault clear"},
		bad{line: "local fault drift --delete", says: "needs RESOURCE", next: "usage: emrflink local fault drift"},
	)
}

// settingMistakes are wrong settings, tried with the command that would do the most.
func settingMistakes() []bad {
	var out []bad
	for _, c := range []struct{ settings, says string }{
		{"vpcCdir: 10.0.0.0/16", `did you mean "vpcCidr"?`},
		{"zzzzzz: 1", "unknown key"},
		{"region: us-west-9", "region"},
		{"region: mars-1", "mars-1"},
		{"region: 1.5", `region = "1.5"`},
		{"region:", "expected: text"},
		{"region: [us-west-2]", "expected: text"},
		{"target: gcp", "not one of local, aws"},
		{"name: Team_A", "lower-case letters"},
		{"name: 2026-01-01", "lower-case letters"},
		{"name: a-very-long-name-of-a-deployment", "at most 20"},
		{"name: in-us-west-2", "contains the region"},
		{"vpcCidr: 10.0.0.0/26", "10.0.0.0/26"},
		{"vpcCidr: nonsense", "nonsense"},
		{"vpcCidr: 8.8.0.0/16", "8.8.0.0/16"},
		{"vpcCidr: 172.20.0.0/16", "overlap"},
		{"vpcCidr: 10.0.0.1/16", "10.0.0.1/16"},
		{"availabilityZones: 1", "availabilityZones"},
		{"availabilityZones: 9", "availabilityZones"},
		{"availabilityZones: two", "not a whole number"},
		{"availabilityZones: 2.5", "not a whole number"},
		{"natGateways: perzone", `did you mean "perZone"?`},
		{"kubernetesVersion: 1.12", "1.12"},
		{"kubernetesVersion: latest", "latest"},
		{"kubernetesVersion: 1.30", `kubernetesVersion = "1.30"`},
		{"endpointAccess: open", "expected: object"},
		{"endpointAccess: {public: maybe}", "expected: true or false"},
		{"endpointAccess: {pubic: true}", `did you mean "public"?`},
		{"endpointAccess: {public: false, private: false}", "endpointAccess"},
		{"endpointAccess: {publicCidrs: [nonsense]}", "nonsense"},
		{"admins: me", "expected: list of texts"},
		{"admins: [me]", "admins[0]"},
		{"coreNodes: {min: 5, max: 2}", "coreNodes"},
		{"coreNodes: {instanceTypes: []}", "coreNodes"},
		{"coreNodes: {instanceTypes: [m6g.xlarge]}", "m6g.xlarge"},
		{"coreNodes: {desired: many}", "not a whole number"},
		{"coreNodes: {diskGiB: 1}", "diskGiB"},
		{"nodePools: []", "nodePools"},
		{"nodePools: [{name: a}]", "nodePools[0]"},
		{"nodePools: {name: a}", "expected: list of objects"},
		{"teams: [Team_A]", "Team_A"},
		{"teams: []", "teams"},
		{"teams: [a, a]", "teams"},
		{"teams: flink-team-a", "expected: list of texts"},
		{"teams: [kube-system]", "kube-system"},
		{"emrRelease: 1.0", `emrRelease = "1.0"`},
		{"emrRelease: newest", "newest"},
		{"logRetentionDays: 31", "logRetentionDays"},
		{"logRetentionDays: -1", "logRetentionDays"},
		{"tags: [a]", "expected: map of texts"},
		{"tags: {'aws:x': y}", "aws:x"},
		{"acceptedFindings: [{rule: singel-nat, reason: x}]", `did you mean "single-nat"?`},
		{"acceptedFindings: [{rule: single-nat}]", "say why"},
		{"acceptedFindings: [{reason: x}]", "the id of a rule is required"},
		{"interfaceEndpoints: [zzz]", "zzz"},
		{"interfaceEndpoints: [ec2, ec2]", "listed twice"},
		{"natGateways: none", "it has no mirror"},
		{"mirrors: {images: {quay.oi: r.example.com}}", `did you mean "quay.io"?`},
		{"mirrors: {charts: {'*': 'http://r.example.com'}}", "neither a folder of an OCI registry"},
		{"existingVpc: {id: vpc-1}", "not the ID of a VPC"},
		{"existingVpc: {privateSubnetIds: [subnet-0123456789abcdef0]}", "subnets without a VPC"},
		{"kmsKey: {enabled: true, deletionWindowDays: 3}", "KMS takes 7 to 30 days"},
		{"clusterAutoscaler: maybe", "expected: true or false"},
		{"clusterAutoscaler: true\n  emrflink:coreNodes: {desired: 2, min: 2, max: 2}", "nothing to scale"},
		{"podIdentity: 1", "expected: true or false"},
		{"region: mars-1\n  emrflink:vpcCidr: nonsense", "2 problems"},
	} {
		out = append(out, bad{settings: "emrflink:" + c.settings, line: "deploy --yes", says: c.says, next: "help environment"})
	}
	for whole, says := range map[string]string{
		"config:\n  emrflink:region: a\n  emrflink:region: b\n":  "line 3: emrflink:region is set twice; it was set in line 2",
		"config:\n  region: a\n  emrflink:region: b\n":           "line 3: emrflink:region is set twice; it was set in line 2",
		"config: {}\nconfig: {}\n":                               "line 2: config is set twice",
		"region: us-west-2\n":                                    `line 1: unknown key "region" at the top`,
		"config:\n  emrflnk:region: x\n":                         "did you mean emrflink:region?",
		"config: [a]\n":                                          `"config" is not a map`,
		"config: 7\n":                                            `"config" is not a map`,
		"config:\n\temrflink:region: x\n":                        "line 2: found character that cannot start any token",
		"config: {\n":                                            "did not find expected",
		"config:\n  emrflink:region: \"x\n":                      "unexpected end of stream",
		"config:\n  emrflink:region: x: y\n":                     "mapping values are not allowed",
		"- config\n":                                             "keys with values are expected",
		"hello\n":                                                "keys with values are expected",
		"{\"config\": {\"emrflink:region\": \"mars\"}, \"x\":1}": `unknown key "x"`,
		"\x00\x01":                                               "control characters are not allowed",
		"config: {}\n---\nconfig: {}\n":                          "one document is expected",
	} {
		out = append(out, bad{whole: whole, line: "cleanup --stack local --yes", says: says, next: "emrflink config validate"})
	}
	return out
}

// variables are wrong environment variables.
func variables() []bad {
	return []bad{
		{env: "EMRFLINK_STACK=a/b", line: "status", says: `stack name "a/b"`, next: "emrflink status --stack local"},
		{env: "EMRFLINK_STACK=nosuch", line: "deploy --yes", says: `no such stack "nosuch"`, next: "init --stack nosuch"},
		{env: "EMRFLINK_STACK=local", line: "cleanup --yes", says: "explicit --stack NAME", next: "cleanup"},
		{env: "EMRFLINK_COLOR=maybe", line: "version", says: `EMRFLINK_COLOR="maybe"`, next: "emrflink version --help"},
		{env: "EMRFLINK_CONFIG_FILE=/nowhere", line: "preview", says: `read stack file "/nowhere"`, next: "emrflink init"},
		{env: "EMRFLINK_STATE=/var/state", line: "status", says: "is not a URL", next: "file:///var/state"},
		{env: "EMRFLINK_SPEED=fast", line: "deploy --yes", says: `EMRFLINK_SPEED="fast"`, next: "unset EMRFLINK_SPEED"},
		{env: "EMRFLINK_SPEED=-1", line: "deploy --yes", says: "want a positive number", next: "emrflink deploy --help"},
		{env: "EMRFLINK_SPEED=Inf", line: "deploy --yes", says: "want a positive number", next: "emrflink deploy --help"},
		{env: "EMRFLINK_LOCAL_PORT=http", line: "deploy --yes", says: `_LOCAL_PORT="http"`, next: "unset EMRFLINK_LOCAL_PORT"},
		{env: "EMRFLINK_LOCAL_PORT=70000", line: "deploy --yes", says: "port 70000: want 1 to 65535", next: "deploy --help"},
		{env: "PULUMI_BACKEND_URL=azblob://x", line: "status", says: "Azure Blob Storage", next: "PULUMI_BACKEND_URL"},
		{env: "EMRFLINK_HOME=", line: "status", says: "no state folder", next: "export EMRFLINK_HOME"},
	}
}

// TestBadInput gives the tool what users get wrong. Each is refused with the documented exit code, and with what is wrong, why,
// and what to do next; nothing is printed on standard output, started or written.
func TestBadInput(t *testing.T) {
	t.Parallel()
	var all []bad
	for _, some := range [][]bad{commandWords(), flagMistakes(), arguments(), settingMistakes(), variables()} {
		all = append(all, some...)
	}
	require.Greater(t, len(all), 200)
	for i, b := range all {
		t.Run(fmt.Sprintf("%d %.60s", i, strings.Join([]string{b.env, b.line, b.settings, b.whole}, " ")), func(t *testing.T) {
			t.Parallel()
			refuse(t, b)
		})
	}
}

func refuse(t *testing.T, b bad) {
	t.Helper()
	ios, _, out, errOut := iostreams.Test()
	home := filepath.Join(t.TempDir(), "home")
	env := map[string]string{"EMRFLINK_HOME": home}
	name, value, _ := strings.Cut(b.env, "=")
	env[name] = value
	ios.SetEnv(func(k string) string { return env[k] })
	args := strings.Fields(b.line)
	if strings.HasSuffix(b.line, "=") || b.settings+b.whole != "" {
		file := filepath.Join(t.TempDir(), "Pulumi.local.yaml")
		text := b.whole
		if text == "" {
			text = "config:\n  " + b.settings + "\n"
		}
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		args = append(args, "--config-file", file)
	}
	f, o := New(Options{IO: ios, Interrupt: cmdutil.NewInterrupt(), Version: "v1", Command: "bad"})
	code := root.Execute(t.Context(), f, o, args)
	said := errOut.String()
	require.Equal(t, cmp.Or(b.code, 2), code, said)
	require.Empty(t, out.String())
	what, next, found := strings.Cut(said, "\nnext:  ")
	require.True(t, found, said)
	require.True(t, strings.HasPrefix(what, "error: "), said)
	require.Contains(t, what, b.says)
	require.Contains(t, next, b.next)
	for _, word := range []string{"into Go", "converting YAML", "map[", "interface {}", "strconv", "nmarshal"} {
		require.NotContains(t, what, word, "words of a library")
	}
	var written []string
	_ = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(path, ".jsonl") {
			written = append(written, path)
		}
		return nil
	})
	require.Empty(t, written, "nothing is written but the log")
}
