'use strict';
// The page is built from the models' schemas, whose texts are not trusted:
// they enter the document as text and attributes only, never as HTML (the
// policy of the page forbids that too). Fields are found by their number,
// since a feature may be called anything, "submit" or "__proto__" included.
(() => {
const {models} = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const count = n => n.toLocaleString('en');
const shownRows = 100, shownLabels = 12, manyFeatures = 16, manyCategories = 200;

// h makes an element: attributes by name, then children, texts or elements.
function h(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === true) e.setAttribute(name, '');
    else if (value !== false && value != null) e.setAttribute(name, value);
  }
  e.append(...children.filter(c => c != null && c !== '' && c !== false));
  return e;
}
const show = (e, text) => { e.textContent = text; e.hidden = !text; };

let model, fields, asked, timer, flight;

// The model.
function choose(name) {
  model = models.find(m => m.name === name) || models[0];
  asked = false;
  clearTimeout(timer);
  if (flight) flight.abort();
  $('model').value = model.name;
  document.title = model.title + ' · Copse';
  $('title').textContent = model.title;
  $('description').textContent = model.description;
  $('digest').textContent = ' · ' + model.name + ' ' + model.digest;
  facts();
  fields = model.features.map(field);
  $('fields').replaceChildren(...fields.map(f => f.box));
  $('filter').hidden = fields.length <= manyFeatures;
  $('find').value = '';
  $('answer').replaceChildren(h('p', {class: 'empty'}, 'Press Predict to ask the model.'));
  $('results').hidden = $('raw').hidden = true;
  $('took').textContent = $('said').textContent = '';
  stale(false);
  show($('trouble'), '');
  reset();
}

function facts() {
  const labels = model.labels.slice(0, 6).join(', ') + (model.labels.length > 6 ? ', … (' + count(model.labels.length) + ')' : '');
  const list = [
    ['Predicts', model.target || (model.labels.length ? 'a label' : 'a number')],
    model.labels.length ? ['Labels', labels] : model.unit && ['Unit', model.unit],
    ['Features', count(model.features.length)],
    model.trees && ['Trees', count(model.trees)],
    ['Trained with', model.library],
  ];
  $('facts').replaceChildren(...list.filter(f => f && f[1]).map(([name, text]) => h('div', {}, h('dt', {}, name), h('dd', {}, text))));
}

// One feature's field: its box, read() → {value} or {error} or {} (missing),
// write(value) and say(error).
function field(f, i) {
  const id = 'f' + i, empty = {allow: 'may be left empty', fill: 'left empty: ' + text(f.default)}[f.missing];
  const lines = [f.description, [f.range, empty].filter(Boolean).join(' · ')].filter(Boolean);
  const input = control(f, id);
  const wrong = h('p', {class: 'wrong', id: id + '-wrong'});
  const slider = range(f, input);
  const unit = f.unit && input.type === 'number';
  const box = h('div', {class: 'field'},
    h('label', {class: 'name', for: id}, f.name),
    h('p', {class: 'about', id: id + '-about'}, ...lines.map(l => h('span', {}, l))),
    h('div', {class: 'control'},
      unit ? h('div', {class: 'with-unit'}, input, h('span', {class: 'unit', 'aria-hidden': 'true'}, f.unit)) : input,
      input.hasAttribute('list') && h('datalist', {id: id + '-list'}, ...f.categories.map(c => h('option', {value: c}))),
      slider && h('div', {class: 'slider'}, h('span', {'aria-hidden': 'true'}, text(f.lo)), slider, h('span', {'aria-hidden': 'true'}, text(f.hi)))),
    wrong);
  const follow = () => {
    if (!slider) return;
    slider.value = input.value === '' ? (f.lo + f.hi) / 2 : input.value;
    slider.classList.toggle('unset', input.value === '');
    slider.style.setProperty('--at', 100 * (slider.value - slider.min) / (slider.max - slider.min) + '%');
  };
  input.addEventListener('input', () => { follow(); changed(); });
  if (slider) slider.addEventListener('input', () => { input.value = slider.value; follow(); changed(); });
  return {
    f, box, input,
    read() {
      if (input.validity.badInput) return {error: f.name + ' must be a number'};
      if (input.value === '') return {};
      if (f.type === 'category') return {value: input.value};
      return {value: f.type === 'boolean' ? input.value === 'true' : Number(input.value)};
    },
    write(value) { input.value = value == null ? '' : String(value); follow(); },
    say(error) {
      wrong.textContent = error;
      if (error) input.setAttribute('aria-invalid', 'true'); else input.removeAttribute('aria-invalid');
      input.setAttribute('aria-describedby', id + '-about' + (error ? ' ' + wrong.id : ''));
    },
  };
}

const text = v => v == null ? '' : String(v);

function control(f, id) {
  const shared = {id, name: f.name, 'aria-required': f.missing === 'refuse' ? 'true' : null, 'aria-describedby': id + '-about'};
  if (f.type === 'number' || f.type === 'integer') {
    return h('input', {...shared, type: 'number', inputmode: 'decimal', min: f.lo, max: f.hi, step: f.lo != null && f.hi != null ? step(f) : f.type === 'integer' ? 1 : 'any'});
  }
  const options = f.type === 'boolean' ? ['true', 'false'] : f.categories;
  if (options.length > manyCategories) {
    return h('input', {...shared, type: 'text', list: id + '-list'});
  }
  const empty = f.missing !== 'refuse' && h('option', {value: ''}, f.missing === 'fill' ? '(default)' : '(missing)');
  return h('select', shared, ...[empty, ...options.map(o => h('option', {value: o}, o))].filter(Boolean));
}

// step is a round number that cuts the range into some hundred pieces.
function step(f) {
  const raw = (f.hi - f.lo) / 100, ten = 10 ** Math.floor(Math.log10(raw));
  const round = Number([1, 2, 5, 10].map(k => k * ten).find(s => s >= raw * 0.999).toPrecision(1));
  return f.type === 'integer' ? Math.max(1, Math.round(round)) : round;
}

function range(f, input) {
  if (f.lo == null || f.hi == null || !(f.hi > f.lo)) return null;
  const s = step(f), lo = f.loOpen ? f.lo + s : f.lo, hi = f.hiOpen ? f.hi - s : f.hi;
  return h('input', {type: 'range', 'aria-label': f.name + (f.unit ? ', ' + f.unit : '') + ', slider', min: lo, max: hi, step: s, 'data-for': input.id});
}

function reset() {
  fields.forEach(f => { f.write(f.f.example); f.say(''); });
  show($('alert'), '');
  snippets();
  if (asked) predict(false);
}

function changed() {
  snippets();
  if (!asked || !$('live').checked) return stale(asked);
  clearTimeout(timer);
  timer = setTimeout(() => predict(false), 120);
}

// stale marks an answer that is not of the values on screen.
function stale(is) {
  document.querySelector('.answer').classList.toggle('stale', is);
  $('stale').hidden = !is || !$('answer').querySelector('.said');
}

// json writes the row. It is put together here, since an object would take a
// feature called "__proto__" for something else.
function json(pretty) {
  const members = fields.map(f => [f.f.name, f.read().value]).filter(m => m[1] !== undefined)
    .map(([name, value]) => JSON.stringify(name) + ': ' + JSON.stringify(value));
  return pretty ? '{\n  ' + members.join(',\n  ') + '\n}' : '{' + members.join(', ') + '}';
}

// The answer.
async function predict(focus) {
  clearTimeout(timer);
  if (flight) flight.abort();
  asked = true;
  const local = fields.map(f => f.read().error || '');
  if (local.some(Boolean)) return complain(local, '', focus);
  const mine = flight = new AbortController();
  const began = performance.now();
  $('predict').setAttribute('aria-busy', 'true');
  try {
    const r = await fetch(model.base + 'predict', {
      method: 'POST', body: json(), signal: mine.signal, headers: {'Content-Type': 'application/json', Accept: 'application/json'},
    });
    const body = await r.text();
    if (mine !== flight) return;
    $('took').textContent = r.status + ' · ' + (performance.now() - began).toFixed(1) + ' ms';
    show($('reply'), body);
    $('raw').hidden = false;
    if (r.ok) { complain([], '', false); answer(JSON.parse(body), focus); } else refused(r, body, focus);
  } catch (e) {
    if (e.name !== 'AbortError') complain([], 'The server cannot be reached: is it running?', false);
  } finally {
    if (mine === flight) $('predict').removeAttribute('aria-busy');
  }
}

function problem(r, body) {
  try {
    const p = JSON.parse(body);
    if (p && typeof p === 'object' && p.title) return p;
  } catch { /* not ours: a gateway's own page */ }
  return {title: 'The server answered ' + r.status};
}

const sentence = p => p.title + (p.detail ? ': ' + p.detail : '');

function refused(r, body, focus) {
  const p = problem(r, body), at = fields.map(() => ''), rest = [];
  for (const e of p.errors || []) {
    const i = fields.findIndex(f => f.f.name === e.field);
    if (i < 0) rest.push(e.message); else at[i] = at[i] || e.message;
  }
  complain(at, at.some(Boolean) ? rest.join('\n') : [sentence(p), ...rest].join('\n'), focus);
}

// complain shows an error at each field, and one for the whole.
function complain(at, whole, focus) {
  fields.forEach((f, i) => f.say(at[i] || ''));
  show($('alert'), whole);
  const bad = at.filter(Boolean);
  stale(bad.length > 0 || !!whole);
  if (!bad.length) return;
  if (!$('answer').querySelector('.said')) $('answer').firstChild.textContent = 'Correct the marked values, then press Predict.';
  $('said').textContent = bad.length + (bad.length > 1 ? ' values are' : ' value is') + ' not valid: ' + bad.join(', ');
  if (focus) {
    const first = fields[at.findIndex(Boolean)];
    first.box.hidden = false;
    first.input.focus();
  }
}

function share(p) {
  if (p > 0 && p < 0.0005) return '< 0.1 %';
  if (p < 1 && p > 0.9995) return '> 99.9 %';
  return (100 * p).toFixed(1) + ' %';
}

function answer(reply, look) {
  const p = reply.probabilities;
  const value = reply.prediction === null ? 'not finite' : [].concat(reply.prediction).join(', ');
  const said = h('p', {class: 'said'}, value, !p && model.unit && h('small', {}, ' ' + model.unit));
  $('said').textContent = 'Prediction: ' + value + (p ? ', ' + share(p[value]) : model.unit && ' ' + model.unit);
  const place = document.querySelector('.answer');
  // On a narrow screen the answer is below the form.
  if (look) requestAnimationFrame(() => place.scrollIntoView({block: 'nearest'}));
  if (!p) return $('answer').replaceChildren(said);
  let order = model.labels.filter(l => Object.hasOwn(p, l));
  if (order.length > shownLabels) order = order.sort((a, b) => p[b] - p[a]).slice(0, shownLabels);
  $('answer').replaceChildren(said, bars(order, p, reply.prediction));
}

// bars shows probabilities; a list of the same labels is kept, so that its
// bars move and nothing jumps.
function bars(order, p, top) {
  let list = $('bars');
  const key = JSON.stringify(order);
  if (!list || list.dataset.key !== key) {
    list = h('ul', {class: 'bars', id: 'bars', 'aria-label': 'Probabilities', 'data-key': key}, ...order.map(label =>
      h('li', {}, h('div', {class: 'label'}, h('span', {}, label), h('span', {class: 'share'})),
        h('div', {class: 'track', role: 'meter', 'aria-label': label, 'aria-valuemin': 0, 'aria-valuemax': 1}, h('div', {class: 'fill'})))));
  }
  order.forEach((label, i) => {
    const item = list.children[i], track = item.lastChild;
    item.className = label === top ? 'top' : '';
    item.querySelector('.share').textContent = share(p[label]);
    item.title = label + ': ' + p[label];
    track.setAttribute('aria-valuenow', p[label]);
    track.setAttribute('aria-valuetext', share(p[label]));
    track.firstChild.style.width = 100 * Math.max(0, Math.min(1, p[label])) + '%';
  });
  return list;
}

// The same in code.
const shell = s => "'" + s.replaceAll("'", "'\\''") + "'";
const python = v => v === true ? 'True' : v === false ? 'False' : JSON.stringify(v);
const snippet = {
  curl: url => 'curl -sS ' + shell(url) + ' \\\n  -H ' + shell('Content-Type: application/json') + ' \\\n  -d ' + shell(json()),
  python: url => 'import requests\n\nrow = {\n' + fields.map(f => [f.f.name, f.read().value]).filter(m => m[1] !== undefined)
    .map(([name, value]) => '    ' + JSON.stringify(name) + ': ' + python(value) + ',\n').join('') +
    '}\nreply = requests.post(\n    ' + JSON.stringify(url) + ',\n    json=row,\n    timeout=30,\n)\nreply.raise_for_status()\nprint(reply.json()["prediction"])',
  // A literal "__proto__": would set the prototype; JSON.parse makes it a member.
  javascript: url => 'const row = ' + (model.features.some(f => f.name === '__proto__') ? 'JSON.parse(' + JSON.stringify(json()) + ')' : json(true)) +
    ';\nconst reply = await fetch(' + JSON.stringify(url) + ', {\n  method: "POST",\n' +
    '  headers: {"Content-Type": "application/json"},\n  body: JSON.stringify(row),\n});\nif (!reply.ok) throw new Error(await reply.text());\n' +
    'const {prediction} = await reply.json();',
};
const tabs = ['curl', 'python', 'javascript'];
let tab = 'curl';

function snippets() {
  $('code').textContent = snippet[tab](new URL(model.base + 'predict', location.href).href);
  $('copied').textContent = '';
  $('copy').textContent = 'Copy';
}

function selectTab(name, focus) {
  tab = name;
  for (const t of tabs) {
    $('tab-' + t).setAttribute('aria-selected', String(t === name));
    $('tab-' + t).tabIndex = t === name ? 0 : -1;
  }
  $('snippet').setAttribute('aria-labelledby', 'tab-' + name);
  if (focus) $('tab-' + name).focus();
  snippets();
}

async function copy() {
  try {
    await navigator.clipboard.writeText($('code').textContent);
  } catch { // no secure context, or not allowed: the old way
    getSelection().selectAllChildren($('code'));
    document.execCommand('copy');
  }
  $('copied').textContent = 'Copied';
  $('copy').textContent = 'Copied';
}

// Many rows.
let file, result;

// cells reads CSV as RFC 4180 has it; blank lines are no rows.
function cells(csv) {
  const rows = [], cell = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|\r|$)/y;
  let row = [], at = csv.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < csv.length) {
    cell.lastIndex = at;
    const m = cell.exec(csv);
    if (!m) return null;
    row.push(m[1][0] === '"' ? m[1].slice(1, -1).replaceAll('""', '"') : m[1]);
    at = cell.lastIndex;
    if (m[2] === ',') {
      if (at === csv.length) row.push('');
      else continue;
    }
    if (row.length > 1 || m[1] !== '') rows.push(row);
    row = [];
  }
  return rows;
}

const quote = c => /[",\r\n]/.test(c) ? '"' + c.replaceAll('"', '""') + '"' : c;
const lines = rows => rows.map(r => r.map(quote).join(',') + '\n').join('');

async function score(chosen) {
  if (!chosen) return;
  show($('trouble'), '');
  $('results').hidden = true;
  $('drop').setAttribute('aria-busy', 'true');
  const began = performance.now();
  try {
    const isLines = /\.(jsonl|ndjson)$/i.test(chosen.name);
    const r = await fetch(model.base + 'batch-predict', {
      method: 'POST', body: chosen, headers: {'Content-Type': isLines ? 'application/x-ndjson' : 'text/csv', Accept: 'text/csv'},
    });
    const body = await r.text();
    if (!r.ok) {
      const p = problem(r, body);
      const rows = (p.errors || []).filter(e => e.row !== undefined).slice(0, 5);
      return show($('trouble'), [sentence(p), ...rows.map(e => 'row ' + e.row + ': ' + e.message)].join('\n'));
    }
    file = chosen.name;
    results(isLines ? null : cells(await chosen.text()), cells(body), performance.now() - began);
  } catch {
    show($('trouble'), 'The file could not be sent: is it still there, and is the server running?');
  } finally {
    $('drop').removeAttribute('aria-busy');
    $('file').value = '';
  }
}

// results shows the answers, next to the cells of the file where it was CSV.
function results(given, got, ms) {
  const [head, ...rows] = got;
  const joined = given && given.length === got.length ? given : got.map(() => []);
  result = lines(got.map((row, i) => [...joined[i], ...row]));
  const error = head.indexOf('error');
  const bad = error < 0 ? 0 : rows.filter(r => r[error]).length;
  $('summary').replaceChildren(count(rows.length) + (rows.length === 1 ? ' row' : ' rows') + ' in ' + ms.toFixed(0) + ' ms, ',
    bad ? h('span', {class: 'bad'}, count(bad) + (bad === 1 ? ' with an error' : ' with errors')) : 'all answered');
  const order = head.map((_, c) => c).filter(c => c !== error);
  const numeric = c => head[c] !== 'prediction' || !model.labels.length;
  const header = h('tr', {}, h('th', {scope: 'col', class: 'num'}, 'Row'),
    ...order.map(c => h('th', {scope: 'col', class: numeric(c) && 'num', title: head[c]}, head[c].replace(/^probability_/, ''))),
    ...joined[0].map(name => h('th', {scope: 'col', class: 'num'}, name)));
  const body = rows.slice(0, shownRows).map((row, i) => {
    const failed = error >= 0 && row[error];
    const said = failed ? [h('td', {class: 'said', colspan: order.length}, row[error])]
      : order.map(c => h('td', {class: (head[c] === 'prediction' ? 'said' : '') + (numeric(c) ? ' num' : ''), title: row[c]}, brief(head[c], row[c])));
    return h('tr', {class: failed && 'failed'}, h('th', {scope: 'row', class: 'num'}, count(i)), ...said,
      ...joined[i + 1].map(c => h('td', {class: 'given num', title: c}, c)));
  });
  $('table').replaceChildren(h('thead', {}, header), h('tbody', {}, ...body));
  $('shown').textContent = rows.length > shownRows ? 'The first ' + shownRows + ' rows are shown; the download has all ' + count(rows.length) + '.' : '';
  $('results').hidden = false;
}

const brief = (column, cell) => column.startsWith('probability_') && cell !== '' ? share(Number(cell)) : cell;

function save(name, csv) {
  const a = h('a', {download: name});
  a.href = URL.createObjectURL(new Blob([csv], {type: 'text/csv'}));
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 60000);
}

// Events.
document.addEventListener('submit', e => { e.preventDefault(); predict(true); });
$('reset').addEventListener('click', reset);
$('copy').addEventListener('click', copy);
$('live').addEventListener('change', () => { if ($('live').checked && asked) predict(false); });
$('find').addEventListener('input', () => {
  const wanted = $('find').value.trim().toLowerCase();
  fields.forEach(f => { f.box.hidden = !(f.f.name + ' ' + f.f.description).toLowerCase().includes(wanted); });
});
tabs.forEach((t, i) => {
  $('tab-' + t).addEventListener('click', () => selectTab(t));
  $('tab-' + t).addEventListener('keydown', e => {
    const to = {ArrowRight: i + 1, ArrowLeft: i + tabs.length - 1, Home: 0, End: tabs.length - 1}[e.key];
    if (to === undefined) return;
    e.preventDefault();
    selectTab(tabs[to % tabs.length], true);
  });
});
$('file').addEventListener('change', () => score($('file').files[0]));
$('template').addEventListener('click', () => save(model.name + '.csv', lines([fields.map(f => f.f.name), fields.map(f => text(f.f.example))])));
$('download').addEventListener('click', () => save(file.replace(/(\.\w+)?$/, '') + '-predictions.csv', result));
// A file dropped beside the zone must not replace the page.
for (const kind of ['dragover', 'drop']) document.addEventListener(kind, e => e.preventDefault());
$('drop').addEventListener('dragover', () => $('drop').classList.add('over'));
for (const kind of ['dragleave', 'drop']) $('drop').addEventListener(kind, () => $('drop').classList.remove('over'));
$('drop').addEventListener('drop', e => score(e.dataTransfer.files[0]));

$('model').append(...models.map(m => h('option', {value: m.name}, m.title === m.name ? m.name : m.title + ' (' + m.name + ')')));
$('picker').hidden = models.length < 2;
$('model').addEventListener('change', () => {
  history.replaceState(null, '', '#' + encodeURIComponent($('model').value));
  choose($('model').value);
});
let wanted = '';
try { wanted = decodeURIComponent(location.hash.slice(1)); } catch { /* not ours */ }
if (models.length) choose(wanted);
})();
