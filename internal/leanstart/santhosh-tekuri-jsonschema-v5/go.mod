module github.com/santhosh-tekuri/jsonschema/v5

go 1.26.0

require github.com/xeipuuv/gojsonschema v1.2.0
