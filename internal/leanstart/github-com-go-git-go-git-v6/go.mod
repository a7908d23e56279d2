module github.com/go-git/go-git/v6

go 1.26.0
