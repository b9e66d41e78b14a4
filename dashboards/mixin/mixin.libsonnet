// The dashboards and rules for those who put their monitoring together from mixins.
// Everything here is generated; to change a ceiling or a rule, see README.md.
local rules = std.parseYaml(importstr '../generated/rules/prometheus.yml');
local only(kind) = {
  groups: std.filter(
    function(group) std.length(group.rules) > 0,
    [
      group { rules: std.filter(function(rule) std.objectHas(rule, kind), group.rules) }
      for group in rules.groups
    ]
  ),
};

{
  grafanaDashboardFolder:: 'Headroom',
  grafanaDashboards+:: {
    'headroom-alerts.json': import '../generated/alerts.json',
    'headroom-consolidation.json': import '../generated/consolidation-headroom.json',
    'headroom-energy.json': import '../generated/energy.json',
    'headroom-estate.json': import '../generated/estate.json',
    'headroom-host.json': import '../generated/host.json',
    'headroom-itself.json': import '../generated/headroom-itself.json',
    'headroom-vm.json': import '../generated/virtual-machine.json',
  },
  prometheusAlerts+:: only('alert'),
  prometheusRules+:: only('record'),
}
