module github.com/uber/jaeger-client-go

go 1.26.0
