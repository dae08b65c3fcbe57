import { counter, defineMetrics, gauge, histogram, type MetricsOf } from '@sluice/runtime/metrics';

/** How a node answered a block: its own words are many, these are what an operator tells apart. */
export const blockOutcomes = [
  'accepted',
  'duplicate',
  'inconclusive',
  'stale',
  'rejected',
  'refused',
  'no-work',
  'not-its-template',
] as const;
export type BlockOutcome = (typeof blockOutcomes)[number];

export const templateProviderMetrics = defineMetrics({
  tips: counter('sluice_template_provider_tips_total', 'New tips told to the bus'),
  tipsByPoll: counter(
    'sluice_template_provider_tips_by_poll_total',
    'New tips that the poll found first: no announcement came, or none is set up',
  ),
  templates: counter('sluice_template_provider_templates_total', 'Templates told to the bus'),
  templateTransactions: gauge(
    'sluice_template_provider_template_transactions',
    'Transactions of the template in force',
  ),
  templateFees: gauge('sluice_template_provider_template_fees_satoshis', 'Fees of the template in force'),
  templateWeight: gauge(
    'sluice_template_provider_template_weight_units',
    'Weight of the transactions of the template in force',
  ),
  tipHeight: gauge('sluice_template_provider_tip_height_blocks', 'Height of the best tip'),
  nodesWell: gauge('sluice_template_provider_nodes_well', 'Nodes that give work'),
  nodes: gauge('sluice_template_provider_nodes', 'Nodes that are configured'),
  bodies: gauge('sluice_template_provider_bodies', 'Templates whose transactions are kept on disk'),
  bodyBytes: gauge('sluice_template_provider_body_bytes', 'Bytes of the transactions kept on disk'),
  bodiesInMemory: gauge(
    'sluice_template_provider_bodies_in_memory',
    'Templates whose transactions the disk did not take: a kill loses them',
  ),
  bodyWriteFailures: counter(
    'sluice_template_provider_body_write_failures_total',
    'Transactions of a template that the disk did not take',
  ),
  bodiesEvictedEarly: counter(
    'sluice_template_provider_bodies_evicted_early_total',
    'Bodies dropped at the bound of the store before their time: a solution may find its block missing',
  ),
  bodiesCopied: counter('sluice_template_provider_bodies_copied_total', 'Bodies copied from other providers'),
  copiesGivenUp: counter(
    'sluice_template_provider_copies_given_up_total',
    'Templates of other providers that were never copied: newer ones took their place in the list of tries',
  ),
  tellFailures: counter(
    'sluice_template_provider_tell_failures_total',
    'Failed tries to tell the bus of a tip or template',
  ),
  blocks: counter('sluice_template_provider_blocks_total', 'Answers of nodes to blocks of ours', {
    outcome: blockOutcomes,
  }),
  solutionsUnderWay: gauge(
    'sluice_template_provider_solutions_under_way',
    'Solutions that wait for their transactions or for the first answer of a node',
  ),
  solutionsPutOff: counter(
    'sluice_template_provider_solutions_put_off_total',
    'Solutions put off because too many wait: the stream and the gateways bring them again',
  ),
  blocksUnwatched: counter(
    'sluice_template_provider_blocks_unwatched_total',
    'Inconclusive blocks whose last word is not looked for, because too many are watched',
  ),
  answersWaiting: gauge(
    'sluice_template_provider_answers_waiting',
    'Answers of nodes, and solutions of clients, that the stream has not taken yet',
  ),
  answersDropped: counter(
    'sluice_template_provider_answers_dropped_total',
    'Answers and solutions dropped at the bound of those that wait: they are in the log alone',
  ),
  submitSeconds: histogram(
    'sluice_template_provider_submit_seconds',
    "From a solution received to a node's answer",
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  ),
  solutionConnections: gauge(
    'sluice_template_provider_solution_connections',
    'Connections of gateways that need no bus',
  ),
});

export type TemplateProviderMetrics = MetricsOf<typeof templateProviderMetrics>;
