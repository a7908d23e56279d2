module github.com/alecthomas/chroma/v2

go 1.25

require github.com/alecthomas/chroma v0.10.0

replace github.com/alecthomas/chroma => ../alecthomas-chroma
