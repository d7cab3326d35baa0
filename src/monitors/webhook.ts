/** A message to a web address: as JSON for programs, or in the shape that Slack, Mattermost and Rocket.Chat take. */
import type { Monitor, RunReport } from './monitor.ts';
import { post } from './http.ts';
import type { PostOptions } from './http.ts';
import { details, headline } from './words.ts';

export interface WebhookOptions extends Pick<PostOptions, 'url' | 'timeoutMs' | 'caFile' | 'env'> {
  readonly format: 'json' | 'slack';
}

export function webhookMonitor({ format, ...options }: WebhookOptions): Monitor {
  const name = `webhook to ${options.url.host}`;
  const body = format === 'slack' ? slackBody : jsonBody;
  return {
    name,
    tell: (report, signal) =>
      post({ ...options, name, body: JSON.stringify(body(report)), contentType: 'application/json' }, signal),
  };
}

/** A contract: programs of other people read it. Names are added, never changed. */
function jsonBody(report: RunReport): object {
  const { verb, host, tool, outcome, time, durationMs, sets } = report;
  return {
    version: 1,
    ...{ verb, host, tool, outcome, time: time.toISOString(), duration_ms: Math.round(durationMs) },
    text: headline(report),
    sets: sets.map(({ durationMs: ms, ...set }) => ({ ...set, duration_ms: Math.round(ms) })),
  };
}

/** https://api.slack.com/messaging/webhooks; a block of code keeps lines as they are. */
function slackBody(report: RunReport): object {
  const mark = report.outcome === 'success' ? ':white_check_mark:' : ':rotating_light:';
  const lines = details(report).join('\n');
  const most = lines.length > TEXT_MAX ? `${lines.slice(0, TEXT_MAX)}\n…` : lines;
  return {
    text: `${mark} ${escaped(headline(report))}\n\`\`\`\n${escaped(most).replaceAll('```', "'''")}\n\`\`\``,
  };
}

/** Slack cuts what is longer than 4,000 characters by itself, and in the middle of a block. */
const TEXT_MAX = 3000;

/** Else `<!channel>` in the message of some tool would wake everybody up. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
