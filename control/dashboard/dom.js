// Building the page: every text is text, never markup.
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'class') element.className = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * columns: [{head, cell(row), number, hide, name, kind}]; `open(row)` makes rows links; of `kind` stack, a row is a paragraph
 * on a phone.
 */
export function table(rows, columns, { open, empty = 'Nothing here.', key, kind: kindOfTable = '' } = {}) {
  if (!rows?.length) return h('p', { class: 'empty' }, empty);
  const kind = (column) => [column.kind, column.number && 'number', column.hide && 'hide-phone', column.name && 'name'].filter(Boolean).join(' ');
  return h('div', { class: 'scroll' }, h('table', { class: kindOfTable },
    h('thead', {}, h('tr', {}, columns.map((column) => h('th', { class: kind(column), scope: 'col' }, column.head)))),
    h('tbody', {}, rows.map((row) => h('tr', {
      class: open ? 'open' : '', 'data-key': key?.(row), tabindex: open ? 0 : null,
      onclick: open ? (event) => { if (!event.target.closest('button')) open(row); } : null,
      onkeydown: open ? (event) => { if (event.key === 'Enter' && event.target === event.currentTarget) open(row); } : null,
    }, columns.map((column) => h('td', { class: kind(column), 'data-head': column.head || null }, column.cell(row)))))),
  ));
}

export const panel = (title, ...children) => h('section', { class: 'panel' }, title ? h('h2', {}, title) : null, children);
export const figure = (title, value, unit, extra) => panel(title, h('div', { class: 'figure' }, String(value), unit ? h('small', {}, ` ${unit}`) : null), extra ?? null);
export const tag = (text, kind = '') => h('span', { class: `tag ${kind}` }, text);
export const button = (text, act, kind = '') => h('button', { type: 'button', class: kind, onclick: act }, text);

export function bits(bps) {
  if (!bps) return '0 bit/s';
  const step = bps >= 1e9 ? [1e9, 'Gbit/s'] : bps >= 1e6 ? [1e6, 'Mbit/s'] : bps >= 1e3 ? [1e3, 'kbit/s'] : [1, 'bit/s'];
  const value = bps / step[0];
  return `${value >= 100 || step[0] === 1 ? Math.round(value) : value.toFixed(1)} ${step[1]}`;
}
export const count = (number) => (number ?? 0).toLocaleString('en');
export function ms(value) {
  if (value === null || value === undefined) return '–';
  return value < 1 ? `${Math.round(value * 1000)} µs` : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
export const clock = (time) => (time ? new Date(time).toLocaleTimeString('en-GB') : '–');
export function since(time) {
  const seconds = Math.max(0, Math.round(time));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}

export function toast(text, kind = '') {
  const element = h('div', { class: `toast ${kind}` }, text);
  document.getElementById('toasts').append(element);
  setTimeout(() => element.remove(), kind === 'bad' ? 8000 : 4000);
}

/** Asks for the fields ([{name, label, value, type, options, required}]); nothing when it was called off. Without `action` it only shows them. */
export function ask(title, text, fields, action, kind = 'primary') {
  const dialog = document.getElementById('dialog');
  return new Promise((resolve) => {
    const inputs = fields.map((field) => {
      const input = field.type === 'textarea' ? h('textarea', { name: field.name, readonly: !action }) : field.options
        ? h('select', { name: field.name }, field.options.map(([value, name]) => h('option', { value }, name)))
        : h('input', { name: field.name, type: field.type ?? 'text', required: field.required, min: field.type === 'number' ? 1 : null });
      input.value = field.value ?? (field.options ? field.options[0][0] : '');
      return [field, input];
    });
    const form = h('form', { method: 'dialog' },
      h('h2', {}, title), text ? h('p', {}, text) : null, inputs.map(([field, input]) => h('label', {}, field.label, input)),
      h('div', { class: 'end' }, action ? [button('Cancel', () => dialog.close()), h('button', { class: kind, value: 'go' }, action)] : button('Close', () => dialog.close())));
    dialog.replaceChildren(form);
    dialog.onclose = () => resolve(dialog.returnValue === 'go' ? Object.fromEntries(inputs.map(([field, input]) => [field.name, input.value])) : null);
    dialog.returnValue = '';
    dialog.showModal();
  });
}
