// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cost"
	"emrflink/internal/kube"
)

// asks the UI of a job; change makes the request another one.
func askUI(t *testing.T, h http.Handler, path string, change func(*http.Request)) (status int, body string) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:9"+path, nil)
	if change != nil {
		change(req)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	raw, err := io.ReadAll(w.Result().Body)
	require.NoError(t, err)
	return w.Code, string(raw)
}

func TestTheUIOfAJobIsBelowItsPath(t *testing.T) {
	t.Parallel()
	j, s, m := diagnosed(t)
	m["/"], m["/config"] = "<base href=\"./\">", `{"flink-version":"1.20.1"}`
	h := NewUI(j.Runner, "127.0.0.1:9")
	for path, want := range map[string]string{
		"/": `<a href="/flink-team-a/basic/">`, "/flink-team-a/basic/": "<base href", "/flink-team-a/basic/config": "1.20.1",
	} {
		status, body := askUI(t, h, path, nil)
		require.Equal(t, http.StatusOK, status, path)
		require.Contains(t, body, want)
	}
	status, _ := askUI(t, h, "/flink-team-a/basic", nil)
	require.Equal(t, http.StatusTemporaryRedirect, status, "its page has relative links")
	status, _ = askUI(t, h, "/flink-team-a/nobody/", nil)
	require.Equal(t, http.StatusNotFound, status)

	s.Remove(kube.KindPod.Ref("flink-team-a", "basic-7868fb4584-rx692"))
	gone := NewUI(j.Runner, "127.0.0.1:9")
	status, body := askUI(t, gone, "/flink-team-a/basic/", func(r *http.Request) { r.Header.Set("Accept", "text/html") })
	require.Equal(t, http.StatusBadGateway, status)
	require.Contains(t, body, `http-equiv="refresh"`)
	require.Contains(t, body, "no JobManager is ready")
	s.Put(pod("basic-7868fb4584-other", RoleJobManager, "n1", running))
	status, _ = askUI(t, gone, "/flink-team-a/basic/", nil)
	require.Equal(t, http.StatusOK, status, "it reconnects")
}

func TestOtherSitesCannotUseTheUI(t *testing.T) {
	t.Parallel()
	j, _, m := diagnosed(t)
	m["/jobs/x/yarn-cancel"], m["/jars/upload"] = "{}", "{}"
	h := NewUI(j.Runner, "127.0.0.1:9")
	post := func(origin string) func(*http.Request) {
		return func(r *http.Request) {
			r.Method = http.MethodPost
			r.Header.Set("Origin", origin)
			r.Header.Set("Sec-Fetch-Site", map[bool]string{true: "same-origin",
				false: "cross-site"}[strings.Contains(origin, "127.")])
		}
	}
	const upload = "/flink-team-a/basic/jars/upload"
	status, _ := askUI(t, h, upload, post("http://127.0.0.1:9"))
	require.Equal(t, http.StatusOK, status)
	status, _ = askUI(t, h, upload, post("https://evil.example"))
	require.Equal(t, http.StatusForbidden, status)
	status, _ = askUI(t, h, "/", func(r *http.Request) { r.Host = "evil.example:9" })
	require.Equal(t, http.StatusMisdirectedRequest, status, "a name that points here")
	status, _ = askUI(t, h, "/flink-team-a/basic/jobs/x/yarn-cancel", nil)
	require.Equal(t, http.StatusForbidden, status)
}

func TestWhatAJobCostsAndHowMuchItWaits(t *testing.T) {
	t.Parallel()
	j, s, m := diagnosed(t)
	for _, name := range []string{"basic-7868fb4584-rx692", "basic-taskmanager-1-1"} {
		ref := kube.KindPod.Ref("flink-team-a", name)
		_, err := s.Patch(t.Context(), ref, "", obj{"spec": obj{"containers": []any{
			obj{"resources": obj{"requests": obj{"cpu": "1", "memory": "2Gi"}}}, obj{"resources": obj{}},
		}}})
		require.NoError(t, err)
	}
	m["/jobs/"+askedID] = `{"vertices":[{"parallelism":2,"duration":1000,"metrics":{"accumulated-idle-time":500}}]}`
	r := j.Runner
	r.Region, r.Load = "us-west-2", true
	all, err := r.Jobs(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, all[0].NotAssessed)
	prices, err := cost.Table(r.Region)
	require.NoError(t, err)
	half := (prices.EC2["c5d.large"] + prices.EC2["c6id.large"]) / 2 // 1 of 2 vCPUs of each
	require.InDelta(t, half, *all[0].HourlyUSD, 1e-4)
	require.InDelta(t, 25, *all[0].IdlePercent, 0.1)

	r.Region, r.Dial = "eu-south-9", nil
	all, err = r.Jobs(t.Context(), "")
	require.NoError(t, err)
	require.Nil(t, all[0].HourlyUSD)
	require.Contains(t, all[0].NotAssessed, "there is no table for eu-south-9")
	require.Contains(t, all[0].NotAssessed, "idle: ")
}

func TestWhatAnUpgradeCosts(t *testing.T) {
	t.Parallel()
	j, _, _ := diagnosed(t)
	r := j.Runner
	r.Region = "us-west-2"
	spec := func(parallelism int64, cpu any) map[string]any {
		return normalJSON(map[string]any{
			"jobManager":  obj{"replicas": int64(1), "resource": obj{"cpu": 1, "memory": "2048m"}},
			"taskManager": obj{"resource": obj{"cpu": cpu, "memory": "2048m"}},
			"job":         obj{"parallelism": parallelism},
		})
	}
	prices, err := cost.Table(r.Region)
	require.NoError(t, err)
	d := deployment{Namespace: basic.Namespace, Name: basic.Name}
	got := r.specCosts(t.Context(), d, spec(2, 1), spec(4, 1))
	masters, tasks := prices.EC2["c5d.large"]/2, prices.EC2["c6id.large"]/2 // 1 of 2 vCPUs
	require.InDelta(t, masters+2*tasks, *got[0], 1e-4)
	require.InDelta(t, masters+4*tasks, *got[1], 1e-4)

	none := r
	none.Region = ""
	require.Nil(t, none.specCosts(t.Context(), d, spec(2, 1))[0])
	require.Nil(t, r.specCosts(t.Context(), deployment{Namespace: "other", Name: "other"}, spec(2, 1))[0],
		"a job without pods has no nodes whose types could be known")
}
