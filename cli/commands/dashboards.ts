import { defineCommand, textOf } from '../command.ts';

export const dashboards = defineCommand({
  usage: 'dashboards <action>',
  describe: 'Build or check the Grafana dashboards and alert rules',
  positionals: {
    action: {
      choices: ['build', 'check'],
      describe: 'build: write the files; check: fail when they are not what would be written',
    },
  },
  options: {
    out: {
      type: 'string',
      default: 'dashboards/generated',
      requiresArg: true,
      describe: "Folder of Grafana's provisioning files",
    },
    'runbooks-url': {
      type: 'string',
      requiresArg: true,
      describe: 'Where docs/runbooks can be read  [default: in the Grafana of docker-compose.yml]',
    },
    'dashboards-path': {
      type: 'string',
      requiresArg: true,
      describe: "Folder in which Grafana finds the dashboards' JSON  [default: /var/lib/grafana/dashboards]",
    },
  },
  examples: [
    ['streamgauge dashboards build', 'after a change of dashboards/*.ts'],
    ['streamgauge dashboards check', 'in CI'],
    [
      'streamgauge dashboards build --out /etc/grafana/streamgauge --runbooks-url https://wiki/runbooks',
      "for one's own Grafana",
    ],
  ],
  run: async (flags, context) => {
    const { runDashboards } = await import('../dashboards/run-dashboards.ts');
    return runDashboards(
      {
        action: textOf(flags['action']) === 'check' ? 'check' : 'build',
        out: flags.out,
        runbooksUrl: flags['runbooks-url'],
        dashboardsPath: flags['dashboards-path'],
      },
      context,
    );
  },
});
