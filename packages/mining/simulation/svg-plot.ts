// Small plots as SVG text: panels side by side, each with lines and shaded bands over labelled axes. Readable on light and dark pages.

export interface Axis {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly log?: boolean;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

export interface Line {
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
}

/** Between a lower and an upper line over the same x. */
export interface Shade {
  readonly colour: string;
  /** 0 to 1; default: faint, for bands behind lines. */
  readonly opacity?: number;
  readonly points: readonly (readonly [x: number, low: number, high: number])[];
}

export interface Panel {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly shades: readonly Shade[];
  readonly lines: readonly Line[];
}

export interface Plot {
  readonly title: string;
  readonly legend: readonly { readonly colour: string; readonly text: string }[];
  readonly panels: readonly Panel[];
  readonly columns: number;
  readonly panelWidth: number;
  readonly panelHeight: number;
}

const MARGIN = { left: 58, right: 14, top: 26, bottom: 42 } as const;
const HEADER = 52;

export function renderPlot(plot: Plot): string {
  const { columns, panelWidth, panelHeight } = plot;
  const rows = Math.ceil(plot.panels.length / columns);
  const width = columns * panelWidth;
  const height = HEADER + rows * panelHeight;
  const panels = plot.panels.map((panel, index) => {
    const x = (index % columns) * panelWidth;
    const y = HEADER + Math.floor(index / columns) * panelHeight;
    return `<g transform="translate(${x} ${y})">${renderPanel(panel, panelWidth, panelHeight)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="20" font-size="14" font-weight="bold" fill="#222222">${escapeXml(plot.title)}</text>`,
    ...renderLegend(plot.legend),
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

function renderLegend(legend: Plot['legend']): string[] {
  let x = 12;
  return legend.map(({ colour, text }) => {
    const entry = `<rect x="${x}" y="32" width="18" height="8" fill="${colour}"/><text x="${x + 23}" y="40" fill="#222222">${escapeXml(text)}</text>`;
    x += 40 + text.length * 6.2;
    return entry;
  });
}

function renderPanel(panel: Panel, width: number, height: number): string {
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const x = scale(panel.x, MARGIN.left, right);
  const y = scale(panel.y, bottom, MARGIN.top);
  const middle = (MARGIN.top + bottom) / 2;
  return [
    `<text x="${MARGIN.left}" y="${MARGIN.top - 8}" font-weight="bold" fill="#222222">${escapeXml(panel.title)}</text>`,
    ...panel.shades.map((shade) => renderShade(shade, x, y)),
    ...panel.x.ticks.map(
      ({ at, text }) =>
        `<path d="M${x(at)} ${MARGIN.top}V${bottom}" stroke="#e4e4e4"/><text x="${x(at)}" y="${bottom + 14}" text-anchor="middle" fill="#555555">${escapeXml(text)}</text>`,
    ),
    ...panel.y.ticks.map(
      ({ at, text }) =>
        `<path d="M${MARGIN.left} ${y(at)}H${right}" stroke="#e4e4e4"/><text x="${MARGIN.left - 6}" y="${y(at) + 4}" text-anchor="end" fill="#555555">${escapeXml(text)}</text>`,
    ),
    ...panel.lines.map((line) => renderLine(line, x, y)),
    `<path d="M${MARGIN.left} ${MARGIN.top}V${bottom}H${right}" stroke="#777777" fill="none"/>`,
    `<text x="${(MARGIN.left + right) / 2}" y="${bottom + 31}" text-anchor="middle" fill="#222222">${escapeXml(panel.x.label)}</text>`,
    `<text transform="translate(13 ${middle}) rotate(-90)" text-anchor="middle" fill="#222222">${escapeXml(panel.y.label)}</text>`,
  ].join('\n');
}

type Scale = (value: number) => number;

function renderShade({ colour, opacity = 0.18, points }: Shade, x: Scale, y: Scale): string {
  const upper = points.map(([at, , high]) => `${x(at)} ${y(high)}`);
  const lower = points.map(([at, low]) => `${x(at)} ${y(low)}`).reverse();
  return `<path d="M${[...upper, ...lower].join('L')}Z" fill="${colour}" fill-opacity="${opacity}"/>`;
}

function renderLine({ colour, points, dashed }: Line, x: Scale, y: Scale): string {
  const dash = dashed === true ? ' stroke-dasharray="5 4"' : '';
  return `<path d="M${points.map(([at, value]) => `${x(at)} ${y(value)}`).join('L')}" fill="none" stroke="${colour}" stroke-width="1.6"${dash}/>`;
}

/** Values beyond the axis are drawn on its end. */
function scale({ min, max, log }: Axis, from: number, to: number): Scale {
  const place = log === true ? Math.log : (value: number) => value;
  return (value) => {
    const part = (place(Math.min(Math.max(value, min), max)) - place(min)) / (place(max) - place(min));
    return Math.round((from + part * (to - from)) * 10) / 10;
  };
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
