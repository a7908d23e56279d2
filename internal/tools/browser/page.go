// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
)

// Load opens an address and waits until it is loaded.
func (b *Browser) Load(ctx context.Context, url string) error {
	b.mu.Lock()
	b.page, b.problems = url, nil
	b.mu.Unlock()
	select {
	case <-b.loaded: // of the page before
	default:
	}
	var result struct {
		ErrorText string `json:"errorText"`
	}
	if err := b.call(ctx, "Page.navigate", map[string]any{"url": url}, &result); err != nil {
		return err
	}
	if result.ErrorText != "" {
		return fmt.Errorf("load %s: %s", url, result.ErrorText)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-b.loaded:
		return nil
	case <-b.gone:
		return fmt.Errorf("load %s: the browser has ended", url)
	case <-ctx.Done():
		return fmt.Errorf("load %s: %w", url, ctx.Err())
	}
}

// Eval runs a script in the page and decodes its value.
func (b *Browser) Eval(ctx context.Context, script string, into any) error {
	var out struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	params := map[string]any{"expression": script, "returnByValue": true, "awaitPromise": true}
	if err := b.call(ctx, "Runtime.evaluate", params, &out); err != nil {
		return err
	}
	if out.Exception != nil {
		return fmt.Errorf("evaluate %s: %s %s", strconv.Quote(script), out.Exception.Text, out.Exception.Exception.Description)
	}
	if into == nil || len(out.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(out.Result.Value, into)
}

// Click presses and releases the mouse at the middle of the first element that a CSS selector finds.
func (b *Browser) Click(ctx context.Context, selector string) error {
	var at []float64
	script := fmt.Sprintf("(() => { const r = document.querySelector(%q).getBoundingClientRect(); return [r.x + r.width / 2, "+
		"r.y + r.height / 2]; })()", selector)
	if err := b.Eval(ctx, script, &at); err != nil {
		return err
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		params := map[string]any{"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1}
		if err := b.call(ctx, "Input.dispatchMouseEvent", params, nil); err != nil {
			return err
		}
	}
	return nil
}

// Type types a text where the focus is.
func (b *Browser) Type(ctx context.Context, text string) error {
	return b.call(ctx, "Input.insertText", map[string]any{"text": text}, nil)
}

// Press presses and releases a key: "Enter", "ArrowDown".
func (b *Browser) Press(ctx context.Context, key string) error {
	for _, kind := range []string{"keyDown", "keyUp"} {
		if err := b.call(ctx, "Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key}, nil); err != nil {
			return err
		}
	}
	return nil
}

// Dark makes the page believe that the reader wants dark colours.
func (b *Browser) Dark(ctx context.Context, on bool) error {
	value := "light"
	if on {
		value = "dark"
	}
	features := []map[string]string{
		{"name": "prefers-color-scheme", "value": value}, {"name": "prefers-reduced-motion", "value": "reduce"},
	}
	return b.call(ctx, "Emulation.setEmulatedMedia", map[string]any{"features": features}, nil)
}

// Largest is how many bytes a picture of the documentation may have: it is in the repository.
const Largest = 300_000

// Screenshot takes a picture of the window as PNG.
func (b *Browser) Screenshot(ctx context.Context) ([]byte, error) {
	var out struct {
		Data string `json:"data"`
	}
	if err := b.call(ctx, "Page.captureScreenshot", map[string]any{"format": "png", "optimizeForSpeed": false},
		&out); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(out.Data)
}
