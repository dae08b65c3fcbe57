// `npm run dashboards` writes Grafana's dashboards into the chart, from charts/dashboards; with `--check` it writes nothing and fails where
// one differs.
import { renderDashboards } from './dashboards/render.ts';
import { writeGenerated } from './generated-files.ts';

writeGenerated(await renderDashboards(), 'npm run dashboards');
