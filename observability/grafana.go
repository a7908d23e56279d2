// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Sizes of panels in Grafana's grid of 24 columns.
const (
	panelWidth  = 8
	panelHeight = 8
	gridWidth   = 24
)

type object = map[string]any

// Grafana is the dashboard as Grafana takes it: JSON to import, or to put into a ConfigMap for its sidecar.
func (d Dashboard) Grafana() string {
	panels, y, id := []any{}, 0, 0
	for _, row := range d.Rows {
		id++
		panels = append(panels, object{
			"id": id, "type": "row", "title": row.Title, "collapsed": false, "panels": []any{},
			"gridPos": object{"x": 0, "y": y, "w": gridWidth, "h": 1},
		})
		y++
		for i, p := range row.Panels {
			id++
			panels = append(panels, p.grafana(id, i%(gridWidth/panelWidth)*panelWidth, y+i/(gridWidth/panelWidth)*panelHeight))
		}
		y += (len(row.Panels) + gridWidth/panelWidth - 1) / (gridWidth / panelWidth) * panelHeight
	}
	variables := []any{object{
		"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus",
	}}
	for _, c := range d.Choices {
		variables = append(variables, object{
			"name": c.Name, "label": c.Name, "type": "query", "datasource": source(), "refresh": 2, "sort": 1,
			"query": fmt.Sprintf("label_values(%s, %s)", c.Metric, c.Label), "multi": true, "includeAll": true, "allValue": ".*",
			"current": object{"text": "All", "value": "$__all"},
		})
	}
	raw, _ := json.MarshalIndent(object{ // maps of JSON values always encode
		"uid": d.UID, "title": d.Title, "tags": []any{"emrflink"}, "schemaVersion": 39, "editable": true,
		"refresh": "30s", "time": object{"from": "now-3h", "to": "now"}, "timezone": "browser",
		"templating": object{"list": variables}, "panels": panels,
	}, "", " ")
	return string(raw) + "\n"
}

func source() object { return object{"type": "prometheus", "uid": "${datasource}"} }

// Text is what a panel says about itself.
func (p Panel) Text() string {
	text := p.Bad + "\n\nNext: `" + p.Command + "`"
	if p.Needs != "" {
		text += "\n\nOf " + p.Needs + "."
	}
	return text
}

func (p Panel) grafana(id, x, y int) object {
	var targets []any
	for i, q := range p.Queries {
		targets = append(targets, object{
			"refId": string(rune('A' + i)), "expr": q.Expr, "legendFormat": q.Legend, "datasource": source(),
		})
	}
	defaults := object{"unit": p.Unit, "custom": object{"lineWidth": 2, "fillOpacity": 10, "showPoints": "never"}}
	if p.Unit != Share {
		defaults["min"] = 0
	} else {
		defaults["min"], defaults["max"] = 0, 1
	}
	if t := p.Threshold; t != nil {
		colors := []string{"green", "red"}
		if t.Below {
			slices.Reverse(colors)
		}
		defaults["thresholds"] = object{"mode": "absolute", "steps": []any{
			object{"color": colors[0], "value": nil}, object{"color": colors[1], "value": t.Value},
		}}
		defaults["custom"].(object)["thresholdsStyle"] = object{"mode": "line"}
	}
	return object{
		"id": id, "type": "timeseries", "title": p.Title, "datasource": source(), "targets": targets,
		"description": strings.ReplaceAll(p.Text(), "{job}", "$job"),
		"gridPos":     object{"x": x, "y": y, "w": panelWidth, "h": panelHeight},
		"fieldConfig": object{"defaults": defaults, "overrides": []any{}},
		"options":     object{"legend": object{"displayMode": "list", "placement": "bottom"}, "tooltip": object{"mode": "multi"}},
	}
}
