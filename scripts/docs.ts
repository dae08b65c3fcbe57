// `npm run docs` writes docs/reference/*.md from the declarations in the code; with `--check` it writes nothing and fails
// where a page differs from them.
import { renderConfig } from './docs/config.ts';
import { renderCrds } from './docs/crds.ts';
import { renderErrors } from './docs/errors.ts';
import { renderMessages } from './docs/messages.ts';
import { renderMetrics } from './docs/metrics.ts';
import { renderSubjects } from './docs/subjects.ts';
import { writeGenerated } from './generated-files.ts';

writeGenerated(
  {
    'docs/reference/config.md': await renderConfig(),
    'docs/reference/crds.md': renderCrds(),
    'docs/reference/errors.md': await renderErrors(),
    'docs/reference/messages.md': renderMessages(),
    'docs/reference/metrics.md': await renderMetrics(),
    'docs/reference/subjects.md': renderSubjects(),
  },
  'npm run docs',
);
