'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = (id) => document.getElementById(id);
  const svg = $('graph'), view = $('view'), links = $('links'), search = $('search');
  const nodes = data.nodes;
  const words = { create: 'create', update: 'update', replace: 'replace', delete: 'delete', 'may-replace': 'may replace', same: 'unchanged' };
  const marks = { create: '+', update: '~', replace: '±', delete: '−', 'may-replace': '?', same: '=' };

  const items = [...svg.querySelectorAll('.item')].map((el, i) => {
    const box = el.querySelector('.box');
    const get = (a) => Number(box.getAttribute(a));
    return { el, nodes: data.items[i], x: get('x') + get('width') / 2, y: get('y') + get('height') / 2 };
  });
  const itemOf = new Map();
  items.forEach((item, i) => item.nodes.forEach((n) => itemOf.set(n, i)));
  const neededBy = nodes.map(() => []);
  nodes.forEach((n, i) => n.d.forEach((k) => neededBy[k].push(i)));
  const haystack = nodes.map((n) => [n.n, n.t, ...n.l].join('\n').toLowerCase());
  const order = data.order;

  // Elements are made with text only: nothing of a resource is ever read as HTML.
  function make(tag, attributes, ...children) {
    const el = document.createElement(tag);
    for (const [k, v] of Object.entries(attributes || {})) {
      if (k === 'class') el.className = v; else el.setAttribute(k, v);
    }
    el.append(...children.filter((c) => c !== null));
    return el;
  }

  // --- zoom and pan
  const at = { x: 0, y: 0, k: 1 };
  const width = Number(svg.dataset.w), height = Number(svg.dataset.h);
  svg.removeAttribute('viewBox'); // from here on the script scales
  function show(glide) {
    view.classList.toggle('glide', Boolean(glide));
    view.style.transform = `translate(${at.x}px, ${at.y}px) scale(${at.k})`;
    svg.classList.toggle('far', at.k < 0.45);
  }
  function fit(glide) {
    const r = svg.getBoundingClientRect();
    at.k = Math.min(r.width / width, r.height / height, 1.4);
    at.x = (r.width - width * at.k) / 2;
    at.y = (r.height - height * at.k) / 2;
    show(glide);
  }
  function zoom(factor, cx, cy, glide) {
    const r = svg.getBoundingClientRect();
    const px = cx === undefined ? r.width / 2 : cx - r.left, py = cy === undefined ? r.height / 2 : cy - r.top;
    const k = Math.min(6, Math.max(0.02, at.k * factor));
    at.x = px - (px - at.x) * k / at.k;
    at.y = py - (py - at.y) * k / at.k;
    at.k = k;
    show(glide);
  }
  function reveal(i, force) {
    const r = svg.getBoundingClientRect(), item = items[i];
    const x = item.x * at.k + at.x, y = item.y * at.k + at.y;
    if (x > 60 && y > 40 && x < r.width - 60 && y < r.height - 40 && (!force || at.k > 0.4)) return;
    at.k = Math.max(at.k, 0.8);
    at.x = r.width / 2 - item.x * at.k;
    at.y = r.height / 2 - item.y * at.k;
    show(true);
  }
  svg.addEventListener('wheel', (e) => {
    e.preventDefault();
    zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0015)), e.clientX, e.clientY);
  }, { passive: false });
  const fingers = new Map();
  let moved = 0;
  svg.addEventListener('pointerdown', (e) => {
    if (e.button !== 0) return;
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    if (fingers.size === 1) moved = 0;
  });
  svg.addEventListener('pointermove', (e) => {
    const f = fingers.get(e.pointerId);
    if (!f) return;
    const others = [...fingers].filter(([id]) => id !== e.pointerId);
    if (others.length === 1) {
      const o = others[0][1];
      const before = Math.hypot(f.x - o.x, f.y - o.y), after = Math.hypot(e.clientX - o.x, e.clientY - o.y);
      if (before > 0) zoom(after / before, (e.clientX + o.x) / 2, (e.clientY + o.y) / 2);
      moved += 9;
    } else if (others.length === 0) {
      moved += Math.abs(e.clientX - f.x) + Math.abs(e.clientY - f.y);
      if (moved > 4 && !svg.classList.contains('drag')) {
        svg.classList.add('drag');
        svg.setPointerCapture(e.pointerId);
      }
      at.x += e.clientX - f.x;
      at.y += e.clientY - f.y;
      show();
    }
    f.x = e.clientX;
    f.y = e.clientY;
  });
  for (const name of ['pointerup', 'pointercancel']) {
    svg.addEventListener(name, (e) => { fingers.delete(e.pointerId); svg.classList.remove('drag'); });
  }
  $('zoom-in').addEventListener('click', () => zoom(1.4, undefined, undefined, true));
  $('zoom-out').addEventListener('click', () => zoom(1 / 1.4, undefined, undefined, true));
  $('zoom-all').addEventListener('click', () => fit(true));

  // --- details
  const tabs = [...document.querySelectorAll('[role=tab]')];
  function open(name) {
    for (const t of tabs) {
      const on = t.id === 'tab-' + name;
      t.setAttribute('aria-selected', on);
      t.tabIndex = on ? 0 : -1;
      $(t.getAttribute('aria-controls')).hidden = !on;
    }
  }
  tabs.forEach((t, i) => {
    t.addEventListener('click', () => open(t.id.slice(4)));
    t.addEventListener('keydown', (e) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (!step) return;
      const next = tabs[(i + step + tabs.length) % tabs.length];
      open(next.id.slice(4));
      next.focus();
    });
  });
  const reference = (n) => make('button', { type: 'button', class: 'pick link', 'data-n': n }, nodes[n].n);
  function references(title, list) {
    if (!list.length) return null;
    const most = 40, refs = make('div', { class: 'refs' }, ...list.slice(0, most).map(reference));
    if (list.length > most) refs.append(`and ${list.length - most} more`);
    return make('div', null, make('h3', null, `${title} (${list.length})`), refs);
  }
  function diff(lines) {
    const pre = make('pre', { class: 'diff', tabindex: '0', 'aria-label': 'Changed properties' });
    for (const l of lines) {
      pre.append(make('span', { class: { '+': 'add', '-': 'del', '!': 'why' }[l[0]] || 'same' }, l));
    }
    return pre;
  }
  function details(n) {
    const s = nodes[n];
    const parts = [
      make('em', { class: 'word op-' + s.o }, words[s.o]), ' ', make('span', { class: 'type' }, s.t), make('h2', null, s.n), make('code', { class: 'urn' }, s.u),
    ];
    if (s.w.length) parts.push(make('p', { class: 'note op-' + s.o }, s.o === 'may-replace' ? 'May be replaced, depending on ' : 'Replaced because of ', make('code', null, s.w.join(', '))));
    if (s.x) parts.push(make('p', { class: 'note op-delete' }, 'What is lost: ' + s.x));
    parts.push(s.l.length ? diff(s.l) : make('p', { class: 'hint' }, s.o === 'same' ? 'Stays as it is.' : 'No property of its own changes.'));
    parts.push(references('Needs', s.d), references('Needed by', neededBy[n]));
    return parts.filter((p) => p !== null);
  }
  function group(list) {
    return [make('h2', null, `${list.length} unchanged in ${nodes[list[0]].r}`), make('p', { class: 'hint' }, 'They stay as they are.'),
      make('ul', { class: 'plain' }, ...list.map((n) => make('li', null, reference(n), ' ', make('span', { class: 'type' }, nodes[n].t))))];
  }
  let chosen = -1;
  function choose(n, list, force) {
    chosen = n;
    $('resource').replaceChildren(...(list && list.length > 1 ? group(list) : details(n)));
    $('resource').scrollTop = 0;
    open('resource');
    svg.querySelectorAll('.chosen, .linked').forEach((el) => el.classList.remove('chosen', 'linked'));
    const i = itemOf.get(n);
    links.replaceChildren();
    for (const el of $('entries').querySelectorAll('[aria-current]')) el.removeAttribute('aria-current');
    const entry = $('entries').querySelector(`[data-n="${n}"]`);
    if (entry) entry.setAttribute('aria-current', 'true');
    if (i === undefined) return;
    items[i].el.classList.add('chosen');
    rove(i);
    for (const [list, kind] of [[nodes[n].d, 'needs'], [neededBy[n], 'by']]) {
      for (const k of new Set(list.map((m) => itemOf.get(m)))) {
        if (k === undefined || k === i) continue;
        items[k].el.classList.add('linked');
        if (items[k].el.parentNode === items[i].el.parentNode || items[k].nodes.length > 1) continue; // seen without a line
        const a = items[kind === 'needs' ? k : i], b = items[kind === 'needs' ? i : k], bend = Math.max(30, Math.abs(b.y - a.y) / 2);
        const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
        path.setAttribute('d', `M${a.x},${a.y + 11}C${a.x},${a.y + 11 + bend} ${b.x},${b.y - 11 - bend} ${b.x},${b.y - 11}`);
        path.setAttribute('class', kind);
        links.append(path);
      }
    }
    reveal(i, force);
  }
  document.addEventListener('click', (e) => {
    const button = e.target.closest('.pick');
    if (button) choose(Number(button.dataset.n), null, true);
  });
  svg.addEventListener('click', (e) => {
    const el = e.target.closest('.item');
    if (!el || moved > 4) return;
    const list = items[Number(el.dataset.i)].nodes;
    choose(list[0], list);
  });

  // --- keyboard: one item of the picture is in the tab order, the arrow keys move from it
  let focus = 0;
  function rove(i) {
    if (!items.length) return;
    items[focus].el.setAttribute('tabindex', '-1');
    focus = i;
    items[focus].el.setAttribute('tabindex', '0');
  }
  function near(dx, dy) {
    const from = items[focus];
    let best = -1, least = Infinity;
    items.forEach((item, i) => {
      const x = item.x - from.x, y = item.y - from.y, ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (i === focus || ahead <= 1 || item.el.classList.contains('dimmed')) return;
      const cost = ahead + aside * 3;
      if (cost < least) { least = cost; best = i; }
    });
    return best;
  }
  items.forEach((item, i) => {
    const s = nodes[item.nodes[0]];
    item.el.setAttribute('role', 'button');
    item.el.setAttribute('tabindex', '-1');
    item.el.setAttribute('aria-label', item.nodes.length > 1 ? `${item.nodes.length} unchanged in ${s.r}` : `${words[s.o]}: ${s.n}, ${s.t}`);
    item.el.addEventListener('focus', () => rove(i));
  });
  rove(0);
  svg.addEventListener('keydown', (e) => {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[e.key];
    if (way) {
      const i = near(...way);
      if (i >= 0) { rove(i); items[i].el.focus({ preventScroll: true }); reveal(i); }
    } else if (e.key === 'Enter' || e.key === ' ') {
      if (items.length) choose(items[focus].nodes[0], items[focus].nodes);
    } else if (e.key === '+' || e.key === '=') zoom(1.25);
    else if (e.key === '-') zoom(0.8);
    else if (e.key === '0') fit();
    else return;
    e.preventDefault();
  });

  // --- search and filter
  const entries = $('entries');
  const rows = order.map((n) => {
    const s = nodes[n];
    const row = make('li', null, make('button', { type: 'button', class: 'pick op-' + s.o, 'data-n': n },
      make('i', { 'aria-label': words[s.o] }, marks[s.o]), make('b', null, s.n), make('span', { class: 'type' }, s.t)));
    entries.append(row);
    return row;
  });
  const pressed = new Set();
  const changed = nodes.filter((s) => s.o !== 'same').length;
  function filter() {
    const text = search.value.trim().toLowerCase();
    const all = text.split(/\s+/).filter(Boolean);
    const narrow = all.length > 0 || pressed.size > 0;
    const match = nodes.map((s, n) => (pressed.size === 0 || pressed.has(s.o)) && all.every((w) => haystack[n].includes(w)));
    let found = 0;
    order.forEach((n, k) => {
      const on = narrow ? match[n] : nodes[n].o !== 'same' || changed === 0;
      rows[k].hidden = !on;
      if (on) found++;
    });
    for (const item of items) item.el.classList.toggle('dimmed', narrow && !item.nodes.some((n) => match[n]));
    $('found').textContent = narrow ? `${found} of ${nodes.length} resources match` : changed ? `${found} changed resources, the gravest first` : `${found} resources`;
    svg.dataset.found = found;
    return match;
  }
  search.addEventListener('input', () => { filter(); if (search.value) open('list'); });
  search.addEventListener('keydown', (e) => {
    if (e.key === 'Enter') {
      const match = filter(), n = order.find((k) => match[k]);
      if (n !== undefined) choose(n, null, true);
    } else if (e.key === 'Escape') { search.value = ''; filter(); }
  });
  document.addEventListener('keydown', (e) => {
    if (e.key === '/' && document.activeElement !== search) { e.preventDefault(); search.focus(); }
  });
  for (const b of document.querySelectorAll('.counts button')) {
    b.addEventListener('click', () => {
      if (pressed.has(b.dataset.op)) pressed.delete(b.dataset.op); else pressed.add(b.dataset.op);
      b.setAttribute('aria-pressed', pressed.has(b.dataset.op));
      filter();
      open('list');
    });
  }

  // --- colours
  const themes = [['', 'Auto', 'as the system has them'], ['light', 'Light', 'light'], ['dark', 'Dark', 'dark']];
  let theme = 0;
  $('theme').addEventListener('click', () => {
    theme = (theme + 1) % themes.length;
    document.documentElement.dataset.theme = themes[theme][0];
    $('theme').textContent = themes[theme][1];
    $('theme').setAttribute('aria-label', 'Colours: ' + themes[theme][2]);
  });

  // The whole picture, or its beginning where the names could not be read and no change is to be found in it: all is new.
  function begin() {
    fit();
    if (!svg.classList.contains('far') || nodes.some((n) => n.o !== 'create')) return;
    const r = svg.getBoundingClientRect();
    at.k = Math.min(1, Math.max(0.6, r.width / width));
    at.x = (r.width - width * at.k) / 2;
    at.y = 0;
    show();
  }

  filter();
  begin();
  let touched = false;
  svg.addEventListener('wheel', () => { touched = true; }, { passive: true });
  svg.addEventListener('pointerdown', () => { touched = true; });
  window.addEventListener('resize', () => { if (!touched && chosen < 0) begin(); });
  document.documentElement.dataset.ready = 'true';
})();
