// Draws panels of a dashboard with Grafana's own libraries. The page hands over window.input:
// {panels: [{title, type, fieldConfig, options, frames}], theme, width}; what was shown is left in
// the element #result as JSON: one entry a value with its text, suffix and colour.
import React from 'react';
import { createRoot } from 'react-dom/client';
import {
  applyFieldOverrides, createTheme, fieldReducers, getFieldDisplayValues, FieldType, LoadingState,
  standardEditorsRegistry, standardFieldConfigEditorRegistry, FieldConfigOptionsRegistry,
  identityOverrideProcessor, toDataFrame, dateTime, formattedValueToString, ThemeContext,
} from '@grafana/data';
import { TimeSeries, LegendDisplayMode, BarGauge, BarGaugeDisplayMode, BigValue, BigValueColorMode, BigValueGraphMode, BigValueTextMode, BigValueJustifyMode } from '@grafana/ui';

const registry = new FieldConfigOptionsRegistry();
for (const id of ['unit', 'min', 'max', 'decimals', 'thresholds', 'mappings', 'color', 'displayName', 'noValue', 'links']) {
  registry.register({ id, path: id, name: id, process: identityOverrideProcessor, shouldApply: () => true, override: () => null, editor: () => null });
}
standardFieldConfigEditorRegistry.setInit(() => registry.list());
standardEditorsRegistry.setInit(() => []);

const { panels, theme: mode, width } = window.input;
const theme = createTheme({ colors: { mode } });
const text = (value) => `${value ?? ''}`;

function framesOf(panel) {
  return applyFieldOverrides({
    data: panel.frames.map((frame) => toDataFrame({ ...frame, fields: frame.fields.map((field) => ({ ...field, config: field.config ?? {} })) })),
    fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry, replaceVariables: text, theme, timeZone: 'utc',
  });
}

function valuesOf(panel, frames) {
  const reduceOptions = panel.options.reduceOptions ?? { calcs: ['lastNotNull'], values: false };
  return getFieldDisplayValues({ fieldConfig: panel.fieldConfig, reduceOptions, replaceVariables: text, theme, data: frames, sparkline: panel.type === 'stat' && panel.options.graphMode !== 'none', timeZone: 'utc' });
}

const custom = ['drawStyle', 'lineWidth', 'fillOpacity', 'showPoints', 'spanNulls', 'stacking', 'thresholdsStyle', 'lineInterpolation', 'axisPlacement', 'hideFrom', 'scaleDistribution', 'fillBelowTo', 'pointSize', 'gradientMode', 'axisLabel', 'axisColorMode', 'axisCenteredZero', 'insertNulls', 'barAlignment', 'axisBorderShow'];
for (const id of custom) {
  registry.register({ id: `custom.${id}`, path: id, name: id, isCustom: true, process: identityOverrideProcessor, shouldApply: () => true, override: () => null, editor: () => null });
}

class Guard extends React.Component {
  state = { error: null };
  static getDerivedStateFromError(error) { return { error }; }
  render() { return this.state.error ? <div className="failed" style={{ color: 'red' }}>{`${this.state.error}`}</div> : this.props.children; }
}

function Lines({ panel, frames, cell }) {
  const times = frames.flatMap((frame) => [frame.fields[0].values[0], frame.fields[0].values[frame.fields[0].values.length - 1]]);
  const [from, to] = [Math.min(...times), Math.max(...times)].map((at) => dateTime(at));
  return (
    <TimeSeries frames={frames} timeRange={{ from, to, raw: { from, to } }} timeZone="utc" width={cell - 18} height={190}
      legend={{ showLegend: frames.length < 8, displayMode: LegendDisplayMode.List, placement: 'bottom', calcs: [] }} />
  );
}

function Rows({ panel, frames }) {
  const rows = new Map();
  const names = panel.columns;
  frames.forEach((frame, number) => frame.fields.slice(1).forEach((field) => {
    const key = JSON.stringify(panel.labels.map((label) => field.labels?.[label] ?? ''));
    const row = rows.get(key) ?? {};
    row[panel.frames[number].column] = formattedValueToString(field.display(field.values[field.values.length - 1]));
    rows.set(key, row);
  }));
  const head = [...panel.titles, ...names];
  const style = { textAlign: 'left', padding: '2px 8px', borderBottom: `1px solid ${theme.colors.border.weak}` };
  return (
    <table style={{ color: theme.colors.text.primary, fontSize: 12, borderCollapse: 'collapse', width: '100%' }}>
      <thead><tr>{head.map((name) => <th key={name} style={style}>{name}</th>)}</tr></thead>
      <tbody>{[...rows].slice(0, 8).map(([key, row]) => (
        <tr key={key}>{JSON.parse(key).map((value, i) => <td key={i} style={style}>{value}</td>)}{names.map((_, i) => <td key={`v${i}`} style={style}>{row[i]}</td>)}</tr>
      ))}</tbody>
    </table>
  );
}

function Panel({ panel, cell: single }) {
  const wide = panel.type === 'table' || panel.type === 'timeseries';
  const cell = wide && columns > 1 ? (panel.type === 'table' ? single * 3 + 60 : Math.floor(single * 1.5 + 15)) : single;
  const frames = framesOf(panel);
  const values = valuesOf(panel, frames);
  const height = panel.type === 'bargauge' ? Math.max(60, values.length * 34) : 110;
  return (
    <div style={{ background: theme.colors.background.primary, border: `1px solid ${theme.colors.border.weak}`, borderRadius: 4, padding: 8, width: cell }}>
      <div style={{ fontSize: 13, fontWeight: 500, marginBottom: 4, color: theme.colors.text.primary }}>{panel.title}</div>
      <Guard>
      {panel.type === 'table' ? <Rows panel={panel} frames={frames} /> : panel.type === 'timeseries' ? <Lines panel={panel} frames={frames} cell={cell} /> : panel.type === 'bargauge' ? values.map((value, index) => (
        <BarGauge key={index} width={cell - 18} height={30} orientation="horizontal" theme={theme} field={value.field} value={value.display} displayMode={BarGaugeDisplayMode.Basic} text={{ titleSize: 12 }} display={value.view?.getFieldDisplayProcessor?.(0)} showUnfilled />
      )) : (
        <div style={{ display: 'flex', gap: 4, flexWrap: 'wrap' }}>
          {values.slice(0, panel.type === 'stat' ? 6 : 4).map((value, index) => (
            <BigValue key={index} width={Math.max(120, (cell - 20) / Math.min(values.length, 4))} height={height - 30} theme={theme} value={value.display} count={values.length} sparkline={value.sparkline} colorMode={BigValueColorMode.Value} graphMode={value.sparkline ? BigValueGraphMode.Area : BigValueGraphMode.None} textMode={values.length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Value} justifyMode={BigValueJustifyMode.Auto} />
          ))}
        </div>
      )}
      </Guard>
    </div>
  );
}

const columns = width < 600 ? 1 : 3;
const shown = panels.map((panel) => {
  const values = valuesOf(panel, framesOf(panel));
  return { title: panel.title, values: values.map(({ display }) => ({ text: formattedValueToString(display), color: display.color, title: display.title, numeric: display.numeric })) };
});
const root = document.getElementById('root');
document.body.style.cssText = `margin:0;color:${theme.colors.text.primary};background:${theme.colors.background.canvas};font-family:Inter,Helvetica,Arial,sans-serif`;
const cell = Math.floor((width - 12 * (columns + 1)) / columns) - 18;
createRoot(root).render(
  <ThemeContext.Provider value={theme}>
    <div style={{ display: 'flex', flexWrap: 'wrap', gap: 12, padding: 12 }}>
      {panels.map((panel, index) => <Panel key={index} panel={panel} cell={cell} />)}
    </div>
  </ThemeContext.Provider>
);
const result = document.createElement('script');
result.type = 'application/json';
result.id = 'result';
result.textContent = JSON.stringify({ shown, red: theme.visualization.getColorByName('red'), green: theme.visualization.getColorByName('green'), orange: theme.visualization.getColorByName('orange') });
document.body.appendChild(result);
