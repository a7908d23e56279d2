// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// PathOfUI is where the web UI of a job is.
func PathOfUI(namespace, name string) string { return "/" + namespace + "/" + name + "/" }

// UI serves the web UIs of all Flink clusters, each below its path.
type UI struct {
	r    Runner
	host string // the only one that is answered to, HOST:PORT

	mu      sync.Mutex
	proxies map[string]http.Handler
}

// NewUI makes a UI. A page of another site cannot use it: neither by a request that changes something, nor by a name that it lets
// point here.
func NewUI(r Runner, host string) http.Handler {
	u := &UI{r: r, host: host, proxies: map[string]http.Handler{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", u.list)
	mux.HandleFunc("/{namespace}/{job}/", u.proxy)
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host != u.host && r.Host != strings.Replace(u.host, "127.0.0.1", "localhost", 1):
			http.Error(w, "this is the web UI of Flink jobs at "+u.host, http.StatusMisdirectedRequest)
		case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/yarn-"): // GETs that cancel a job
			http.Error(w, "a GET does not change a job", http.StatusForbidden)
		default:
			mux.ServeHTTP(w, r)
		}
	}))
}

// proxy passes a request to the JobManager of a job's cluster.
func (u *UI) proxy(w http.ResponseWriter, r *http.Request) {
	namespace, name := r.PathValue("namespace"), r.PathValue("job")
	u.mu.Lock()
	p := u.proxies[namespace+"/"+name]
	u.mu.Unlock()
	if p == nil {
		ref, err := u.r.find(r.Context(), namespace, name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		o, err := u.r.Kube.Get(r.Context(), ref)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		p = u.r.reverse(namespace, deploymentOf(o).cluster())
		u.mu.Lock()
		u.proxies[namespace+"/"+name] = p
		u.mu.Unlock()
	}
	http.StripPrefix(strings.TrimSuffix(PathOfUI(namespace, name), "/"), p).ServeHTTP(w, r)
}

// waitPage is shown while no JobManager answers; it loads itself again.
const waitPage = `<!DOCTYPE html><html><head><meta charset="utf-8"><meta http-equiv="refresh" ` +
	`content="2"><title>%[1]s</title></head>
<body><p>The JobManager of %[1]s does not answer: %[2]s</p><p>This page waits for it.</p></body></html>
`

// reverse is a proxy to the JobManager of a cluster, wherever it runs.
func (r Runner) reverse(namespace, cluster string) http.Handler {
	return &httputil.ReverseProxy{
		Transport: r.Transport(namespace, cluster),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "http", Host: cluster})
			p.Out.Header.Del("Origin") // it is this machine's, and Flink asks for none
		},
		ErrorHandler: func(w http.ResponseWriter, req *http.Request, err error) {
			if !strings.Contains(req.Header.Get("Accept"), "text/html") {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusBadGateway)
			_, _ = fmt.Fprintf(w, waitPage, template.HTMLEscapeString(namespace+"/"+cluster),
				template.HTMLEscapeString(err.Error()))
		},
	}
}

// listPage has the jobs, each with a link to its UI.
var listPage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Parse(`<!DOCTYPE html><html><head><meta charset="utf-8"><title>Flink jobs</title></head>
<body><h1>Flink jobs</h1><table><tr><th>Job</th><th>State</th><th>Health</th></tr>
{{range .}}<tr><td><a href="{{.Path}}">{{.Namespace}}/{{.Name}}</a></td><td>{{.State}}</td><td>{{.Health}}</td></tr>
{{end}}</table></body></html>
`))
})

func (u *UI) list(w http.ResponseWriter, r *http.Request) {
	all, err := u.r.deployments(r.Context(), "")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	type row struct{ Path, Namespace, Name, State, Health string }
	rows := make([]row, 0, len(all))
	for _, d := range all {
		health, _ := d.health()
		rows = append(rows, row{
			PathOfUI(d.Namespace, d.Name), d.Namespace, d.Name, cmp.Or(d.State, d.JobManager), string(health),
		})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = listPage().Execute(w, rows) // the reader may be gone
}
