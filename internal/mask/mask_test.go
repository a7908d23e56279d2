// SPDX-License-Identifier: Apache-2.0

package mask_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/internal/mask"
)

// Parts are joined so that scanners of repositories do not take the tests for leaks.
const (
	keyID     = "AK" + "IAZ7QXAMPLE42CANAR"
	secretKey = "wJalrXUtnFEMI" + "/K7MDENG/bPxRfiCYq4zBkLm9Qs"
	github    = "gh" + "p_abcdefghijklmnopqrstuvwxyz0123456789"
	slack     = "xo" + "xb-123456789012-abcdefABCDEF"
	jwt       = "ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLWJ5dGVz"
	pem       = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n-----END RSA " + "PRIVATE KEY-----"
)

func TestShapes(t *testing.T) {
	t.Parallel()
	require.Len(t, secretKey, 40)
	encoded := base64.StdEncoding.EncodeToString([]byte(pem))
	for name, c := range map[string]struct{ in, want string }{
		"an access key id":            {"id " + keyID + ".", "id [secret]."},
		"a secret access key":         {"found " + secretKey + " there", "found [secret] there"},
		"a private key":               {"key:\n" + pem + "\nend", "key:\n[secret]\nend"},
		"a private key that was cut":  {pem[:50], "[secret]"},
		"a private key in base64":     {"client-key " + encoded, "client-key [secret]"},
		"a web token":                 {"got " + jwt, "got [secret]"},
		"a GitHub token":              {github, "[secret]"},
		"a fine-grained GitHub token": {"github_" + "pat_11ABCDEFG0123456789_abcdef", "[secret]"},
		"a Slack token":               {"x " + slack, "x [secret]"},
		"a token for EKS":             {"k8s-aws-" + "v1.aHR0cHM6Ly9zdHM", "[secret]"},
		"a session token":             {"IQoJb3JpZ2lu" + "X2VjEHoaCXVzLXdlc3QtMiJ", "[secret]"},
		"the signature of a URL": {"https://b/k?X-Amz-Signature=" + strings.Repeat("0a", 32) + "&x=1",
			"https://b/k?X-Amz-Signature=[secret]&x=1"},
		"the token of a signed URL": {"?X-Amz-Security-Token=IQ%2Fabcdefghijklmnop%3D&b=1",
			"?X-Amz-Security-Token=[secret]&b=1"},
		"the signature of a header":    {"Signature=" + strings.Repeat("0a", 32), "Signature=[secret]"},
		"a bearer token":               {"Authorization: Bearer abc.def-123456", "Authorization: Bearer [secret]"},
		"a password in a URL":          {"git clone https://me:p@ss:w0rd@host/x", "git clone https://me:[secret]@host/x"},
		"a password in a URL, no user": {"redis://:hunter2@cache:6379", "redis://:[secret]@cache:6379"},
		"an assignment":                {"cannot log in with password=hunter2", "cannot log in with password=[secret]"},
		"a quoted assignment":          {`password = "hun\"ter 2" is wrong`, `password = "[secret]" is wrong`},
		"an assignment in JSON":        {`said {"token":"abc,d e","n":1}`, `said {"token":"[secret]","n":1}`},
		"a number in JSON":             {`said {"password":123456,"n":1}`, `said {"password":[secret],"n":1}`},
		"an assignment in JSON twice":  {`"{\"api_key\":\"a b\\\"c\",\"n\":1}"`, `"{\"api_key\":\"[secret]\",\"n\":1}"`},
		"a key with a namespace": {`emrflink:dbPassword = "hunter2": unknown key`,
			`emrflink:dbPassword = "[secret]": unknown key`},
		"one behind another":         {"error: token=abc password=def", "error: token=[secret] password=[secret]"},
		"in the value of another":    {"args=--token=abc", "args=--token=[secret]"},
		"an option and its value":    {"helm upgrade --password hunter2 x", "helm upgrade --password [secret] x"},
		"in a query":                 {"/x?token=abc&user=me", "/x?token=[secret]&user=me"},
		"with an ampersand":          {"PASSWORD=a&b rest", "PASSWORD=[secret] rest"},
		"of a Go map":                {"map[password:swordfish user:me]", "map[password:[secret] user:me]"},
		"in YAML, to the line's end": {"a: 1\n  password: correct horse\nb: 2", "a: 1\n  password: [secret]\nb: 2"},
		"in YAML, as a block": {"a:\n  - token: |\n      one\n      two\n    b: 2",
			"a:\n  - token: [secret]\n    b: 2"},
		"in YAML, as a folded block":        {"token: >\n  one\n  two\nb: 2", "token: [secret]\nb: 2"},
		"in YAML, behind an anchor":         {"a: 1\npassword: &pw hunter2\nb: 2", "a: 1\npassword: [secret]\nb: 2"},
		"in YAML, a reference":              {"a: 1\npassword: *pw\nb: 2", "a: 1\npassword: [secret]\nb: 2"},
		"in YAML, an object":                {"a: 1\npassword: {value: hunter2}\nb: 2", "a: 1\npassword: [secret]\nb: 2"},
		"an assignment at the start":        {"token:abc123", "token:[secret]"},
		"the shortest text":                 {"pwd=a1b2", "pwd=[secret]"},
		"backslashes to the end":            {`password=\\`, `password=[secret]`},
		"a word of twenty letters":          {"password: " + strings.Repeat("abcde", 4), "password: [secret]"},
		"the value of an option in a list":  {`["run --token=abc","x"]`, `["run --token=[secret]","x"]`},
		"the value of an option in quotes":  {`"run --token=abc"`, `"run --token=[secret]"`},
		"a quote within a value":            {`--token=a"b,c" x`, `--token=[secret]" x`},
		"a backslash that is escaped":       {`password="hun\\" x`, `password="[secret]" x`},
		"in JSON twice, at the end":         {`{\"token\":\"a,b\"`, `{\"token\":\"[secret]\"`},
		"in JSON twice, with a quote in it": {`{\"token\":\"a\"b\",\"n\":1}`, `{\"token\":\"[secret]\",\"n\":1}`},
		"a kubeconfig": {"users:\n- user:\n    client-key-data: YWJj\n    token: x y",
			"users:\n- user:\n    client-key-data: [secret]\n    token: [secret]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, mask.Text(c.in))
			require.Equal(t, c.want, mask.Text(c.want), "again")
		})
	}
}

// TestEveryPrefixIsKnown: a form of secret has several beginnings.
func TestEveryPrefixIsKnown(t *testing.T) {
	t.Parallel()
	rest := strings.Repeat("0a1b", 10)
	for _, in := range []string{
		"gh" + "p_" + rest, "gh" + "o_" + rest, "gh" + "u_" + rest, "gh" + "s_" + rest, "gh" + "r_" + rest,
		"github_" + "pat_" + rest, "gl" + "pat-" + rest, "pu" + "l-" + rest,
		"xo" + "xb-" + rest, "xa" + "pp-" + rest, "hooks.slack" + ".com/services/T0/B0/" + rest,
		"hooks.slack" + ".com/workflows/" + rest, "IQoJb3JpZ2lu" + "X2Vj" + rest, "FwoGZXIvYXdz" + "EBYa" + rest,
		"k8s-aws-" + "v1." + rest, "AK" + "IAZ7QXAMPLE42CANAR", "AS" + "IAZ7QXAMPLE42CANAR", "AB" + "IAZ7QXAMPLE42CANAR",
		"AC" + "CAZ7QXAMPLE42CANAR",
	} {
		require.Equal(t, "a [secret] b", mask.Text("a "+in+" b"), in)
	}
	for _, word := range []string{"Bearer", "bearer", "Basic", "basic"} {
		require.Equal(t, "said "+word+" [secret], then", mask.Text("said "+word+" abc123def456=, then"))
	}
	for _, kind := range []string{"", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "} {
		require.Equal(t, mask.Secret,
			mask.Text("-----BEGIN "+kind+"PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n-----END "+kind+"PRIVATE KEY-----"))
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		`open "/tmp/go-a8/TestDEFgh28/002/PulumiDevSettingXYZ/k.yaml": no such file`,
		"", "token: expired", "the security token: is invalid", "secretName: flink-operator-webhook-secret",
		"httpTokens=required", "tokenPath=/var/run/secrets/token", "passwordSecretRef=webhook",
		"arn:aws:secretsmanager:us-west-2:111122223333:secret:db-AbCdEf", "AROAZ7QXAMPLE42CANARY",
		"0123456789abcdef0123456789abcdef01234567", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUM=",
		"arn:aws:iam::111122223333:role/emr-eks-flink-us-west-2-karpenter-controller", "https://host:8080/path?user=a@b",
		"https://0123456789ABCDEF0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com", "token=", `"token":null`, "password=[secret]",
		"AmazonEC2ContainerRegistryPullOnlyAccess40", "basic authentication is off",
		`password="none" here`, "https://me:none@host", "password=\nnext", `say "token":`,
		`said {"token":{"a":1},"n":1}`, "{\n \"token\": {\n  \"a\": 1\n },\n \"secret\": [\n 1 ]\n}",
		"password: " + strings.Repeat("x", 19),
		"SignatureDoesNotMatch: The request signature", "api error InvalidClientTokenId: The security token included in the " +
			"request is invalid.", "key: NodeGroupType", "[unknown]",
		"emr-containers-sa-flink-jobmanager-111122223333-1sseqknnoni14bdu6yyw9n3ft32986beoj10gadqfez009x",
	} {
		require.Equal(t, s, mask.Text(s))
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, k := range strings.Fields(`password PASSWORD dbPassword db_password password2 passwd passphrase secret
		clientSecret client_secret token authToken apiKey api_key API_KEY apikey privateKey private-key accessKey
		secretAccessKey AWS_SECRET_ACCESS_KEY credentials AWSSessionToken .dockerconfigjson client-key-data connectionString
		signingKey git.password Authorization passwords pwd DB_PWD credential secretKey secretkey accesskey authtoken
		access_token accesstoken privatekey htpasswd .dockercfg auth userPass SIGNING_KEY shared-key accountKey license_key
		hmacKey token_ _auth DBPass`) {
		require.True(t, mask.Key(k), k)
	}
	for _, k := range strings.Fields(`secretName secret_name tokenPath tokenUrl secretArn passwordSecretRef
		passwordPolicy httpTokens key keyName kmsKeyId publicKey encryptionKeyArn tokenExpirationSeconds
		certificate-authority-data imagePullSecrets monkey authMode authenticationMode secretsProvider x tags.team
		bypass ab pass string clientData`) {
		require.False(t, mask.Key(k), k)
	}
	require.True(t, mask.Key(strings.Repeat("x", 123)+"Token"))
	require.False(t, mask.Key(strings.Repeat("x", 124)+"Token"), "no name is that long")
}

func TestValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in, want map[string]any
		found    []string
	}{
		"by key": {
			map[string]any{"password": "a", "secretName": "b", "pin.password": 12.0, "token": true},
			map[string]any{"password": "[secret]", "secretName": "b", "pin.password": "[secret]", "token": true},
			[]string{"password", `["pin.password"]`},
		},
		"by name": {
			map[string]any{
				"env": []any{map[string]any{"name": "DB_PASSWORD", "value": "a"}, map[string]any{"name": "HOST", "value": "b"}},
			},
			map[string]any{
				"env": []any{
					map[string]any{"name": "DB_PASSWORD", "value": "[secret]"}, map[string]any{"name": "HOST", "value": "b"},
				},
			},
			[]string{"env[0].value"},
		},
		"what is no option, and no Secret": {
			map[string]any{"args": []any{"token", "a"}, "data": map[string]any{"x": "YQ=="}},
			map[string]any{"args": []any{"token", "a"}, "data": map[string]any{"x": "YQ=="}}, nil,
		},
		"by option": {
			map[string]any{"args": []any{"--token", "a", "--user", "b", "--password=c"}},
			map[string]any{"args": []any{"--token", "[secret]", "--user", "b", "--password=[secret]"}},
			[]string{"args[1]", "args[4]"},
		},
		"a Kubernetes Secret": {
			map[string]any{
				"kind": "Secret", "apiVersion": "v1", "data": map[string]any{"x": "YQ=="}, "stringData": map[string]any{"y": "b"},
				"type": "Opaque",
			},
			map[string]any{
				"kind": "Secret", "apiVersion": "v1", "data": map[string]any{"x": "[secret]"},
				"stringData": map[string]any{"y": "[secret]"}, "type": "Opaque",
			},
			[]string{"data.x", "stringData.y"},
		},
		"another kind of secret": {
			map[string]any{
				"kind": "ExternalSecret", "apiVersion": "external-secrets.io/v1", "data": []any{map[string]any{"secretKey": "x"}},
			},
			map[string]any{
				"kind": "ExternalSecret", "apiVersion": "external-secrets.io/v1",
				"data": []any{map[string]any{"secretKey": "[secret]"}},
			},
			[]string{"data[0].secretKey"},
		},
		"a reference": {
			map[string]any{"secret": map[string]any{"secretName": "n", "items": []any{map[string]any{"key": "k", "path": "p"}}},
				"token": "arn:aws:x"},
			map[string]any{"secret": map[string]any{"secretName": "n", "items": []any{map[string]any{"key": "k", "path": "p"}}},
				"token": "arn:aws:x"},
			nil,
		},
		"below a key": {
			map[string]any{"credentials": map[string]any{"user": "u", "roleArn": "arn:aws:x", "list": []any{"v"}}},
			map[string]any{"credentials": map[string]any{"user": "[secret]", "roleArn": "arn:aws:x", "list": []any{"[secret]"}}},
			[]string{"credentials.list[0]", "credentials.user"},
		},
		"a document": {
			map[string]any{"values": `{"n": 1.50, "db": {"password": "a"}}`, "policy": "{\n \"n\": 1 }"},
			map[string]any{"values": `{"db":{"password":"[secret]"},"n":1.50}`, "policy": "{\n \"n\": 1 }"},
			[]string{"values"},
		},
		"a list as a document": {
			map[string]any{"values": `[{"name":"DB_PASSWORD","value":"a"}]`},
			map[string]any{"values": `[{"name":"DB_PASSWORD","value":"[secret]"}]`},
			[]string{"values"},
		},
		"what is not known": {
			map[string]any{"password": "[unknown]", "token": "[secret]"},
			map[string]any{"password": "[unknown]", "token": "[secret]"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, err := json.Marshal(c.in)
			require.NoError(t, err)
			got, found := mask.Map(c.in)
			require.Empty(t, cmp.Diff(c.want, got))
			require.Empty(t, cmp.Diff(c.found, found))
			again, none := mask.Map(got)
			require.Empty(t, cmp.Diff(got, again))
			require.Empty(t, none)
			after, err := json.Marshal(c.in)
			require.NoError(t, err)
			require.JSONEq(t, string(before), string(after), "the value itself is not changed")
		})
	}
	none, _ := mask.Map(nil)
	require.Nil(t, none)
}

func TestAt(t *testing.T) {
	t.Parallel()
	require.Equal(t, mask.Secret, mask.At([]string{"db", "password"}, "a"))
	require.Equal(t, mask.Secret, mask.At([]string{"credentials", "user"}, "a"))
	require.Equal(t, "a", mask.At([]string{"secret", "secretName"}, "a"))
	require.Equal(t, "a", mask.At([]string{"tags", "team"}, "a"))
	require.Equal(t, mask.Secret, mask.At([]string{"tags", "team"}, github))
}

// What stands in a key's place is no name once it is masked.
func TestASecretInTheKeysPlaceIsMaskedOnce(t *testing.T) {
	t.Parallel()
	once := mask.Text("\n" + secretKey + "\": \"")
	require.Equal(t, "\n"+mask.Secret+"\": \"", once)
	require.Equal(t, once, mask.Text(once))
}

func TestKnown(t *testing.T) {
	t.Parallel()
	require.Equal(t, "with [secret] and local",
		mask.Known("with correct-horse and local", []string{"correct-horse", "local", ""}))
	require.Equal(t, "[secret] and shorter", mask.Known("eightcha and shorter", []string{"eightcha", "shorter"}))
}

// An AWS secret access key is told by how its characters are mixed: five small letters, five capitals and a digit at least.
func TestWhatASecretAccessKeyIsMadeOf(t *testing.T) {
	t.Parallel()
	const small, capitals = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for name, c := range map[string]struct {
		text   string
		secret bool
	}{
		"five small letters": {"azbcd" + capitals + "012345678", true},
		"four small letters": {"azbc" + capitals + "0123456789", false},
		"five capitals":      {small + "AZBCD" + "012345679", true},
		"four capitals":      {small + "AZBC" + "0123456789", false},
		"one digit, 0":       {small + capitals[:13] + "0", true},
		"one digit, 9":       {small + capitals[:13] + "9", true},
		"signs, no digit":    {small + capitals[:12] + "+/", false},
		"no digit":           {small + capitals[:14], false},
		"few characters":     {strings.Repeat("abcdeABCDE01234567", 3)[:40], false},
		"one too many":       {small + capitals[:13] + "01", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.secret, mask.Text("is "+c.text+" it") == "is [secret] it")
		})
	}
}

// secrets draws one of each shape.
func secrets() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`(AKIA|ASIA)[A-Z2-7]{16}`),
		rapid.StringMatching(`ghp_[A-Za-z0-9]{36}`),
		rapid.StringMatching(`xoxb-[0-9]{12}-[A-Za-z0-9]{24}`),
		rapid.StringMatching(`eyJ[A-Za-z0-9_-]{20}\.eyJ[A-Za-z0-9_-]{20}\.[A-Za-z0-9_-]{20}`),
		rapid.StringMatching(`k8s-aws-v1\.[A-Za-z0-9_-]{40}`),
		rapid.Just(secretKey), rapid.Just(pem),
	)
}

func TestAMaskedTextHoldsNothingOfTheSecret(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := secrets().Draw(t, "secret")
		before := rapid.StringMatching(`([a-z :"{},=\n]{0,20}[ "=:\n])?`).Draw(t, "before")
		after := rapid.StringMatching(`([ ",}\n][a-z :"{},=\n]{0,20})?`).Draw(t, "after")
		got := mask.Text(before + secret + after)
		require.NotContains(t, got, secret)
		require.Equal(t, got, mask.Text(got), "masking again changes nothing")
	})
}

func TestAnAssignedTextHoldsNothingOfTheSecret(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom([]string{"password", "dbPassword", "API_KEY", "client-secret", "token"}).Draw(t, "key")
		secret := rapid.StringMatching(`[A-Za-z0-9!$%^*()+,;:./?@#~-]{8,30}`).Draw(t, "secret") + "Zq9"
		form := rapid.SampledFrom([]string{
			"%k=%s", `%k="%s"`, `{"%k":"%s","a":1}`, `{\"%k\":\"%s\"}`, "--%k=%s", "--%k %s", "a:\n  %k: %s\nb: 1",
		}).Draw(t, "form")
		text := strings.NewReplacer("%k", key, "%s", secret).Replace(form)
		got := mask.Text(text)
		require.NotContains(t, got, secret[len(secret)-6:], text)
		require.Equal(t, got, mask.Text(got), "masking again changes nothing")
		masked, found := mask.Map(map[string]any{key: secret})
		require.Equal(t, map[string]any{key: mask.Secret}, masked)
		require.Len(t, found, 1)
	})
}

func TestAnyTextIsMaskedOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune(`pastoken=:"'\{}[], -secrt1A&?/@`+"\n"))).Draw(t, "s")
		once := mask.Text(s)
		require.Equal(t, once, mask.Text(once), "%q", s)
	})
}

// TestTheCostOfMasking: a document of 150 resources takes milliseconds. The bound is loose, for a loaded machine under
// the race detector; the benchmark has the figure.
func TestTheCostOfMasking(t *testing.T) {
	graph := bigGraph()
	start := time.Now()
	_, found := mask.Value(graph)
	require.Less(t, time.Since(start), 3*time.Second)
	require.Len(t, found, 1)
}

func BenchmarkOneHundredAndFiftyResources(b *testing.B) {
	graph := bigGraph()
	for b.Loop() {
		mask.Value(graph)
	}
}

// bigGraph is as much as the default blueprint has: 150 resources, 250 KB.
func bigGraph() any {
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],` +
		`"Resource":"arn:aws:s3:::bucket/team/checkpoints/*",` +
		`"Condition":{"StringEquals":{"aws:ResourceTag/kubernetes.io/cluster/x":"owned"}}}]}`
	var list []any
	for range 150 {
		list = append(list, map[string]any{
			"policy": policy + strings.Repeat(" ", 300), "tags": map[string]any{
				"Name": "emr-eks-flink-us-west-2-karpenter", "emrflink:deployment": "emr-eks-flink",
			},
			"dependsOn": []any{
				"urn:pulumi:local::emrflink::emrflink:karpenter:Karpenter$aws:iam/role:Role::karpenter-controller-role",
				"urn:pulumi:local::emrflink::emrflink:cluster:Cluster$eks:index:Cluster::cluster-emr-eks-flink",
			},
			"values": map[string]any{
				"serviceAccount": map[string]any{"create": true, "name": "cloudwatch-agent"}, "tokenPath": "/var/run/token",
			},
		})
	}
	list[7].(map[string]any)["tags"].(map[string]any)["note"] = github
	return list
}
