# Capistrano 3: restarts application servers behind another balancer than Gatehouse. One after the other, so visitors
# notice nothing. Copy to lib/capistrano/tasks/, and in config/deploy.rb:
#
#   set :gatehouse_balancers, %w[10.0.0.5 10.0.0.6]   # every address that the balancer connects from
#   set :gatehouse_restart, "passenger-config restart-app --ignore-app-not-running /srv/shop"
#   after "deploy:published", "gatehouse:restart"
#
# `gatehouse` is in /usr/local/bin of each server, and the deploying user may run it with sudo and without a password.

require "shellwords"

namespace :load do
  task :defaults do
    set :gatehouse_roles, :web
    set :gatehouse_ports, [80]
    # A deploy that dies on the way leaves no server out for longer than this.
    set :gatehouse_for, "30m"
    # Seconds until the balancer has noticed and what was in flight has ended: its check interval times its failures,
    # and then the longest ordinary request.
    set :gatehouse_drain, 15
    # Asked on the server itself, which is not fenced: the first, warming request, and the proof that it works.
    set :gatehouse_check, "http://localhost/"
  end
end

namespace :gatehouse do
  host_fence = lambda do |verb, *more|
    ["sudo", "gatehouse", "host-fence", verb, "--from", fetch(:gatehouse_balancers).join(","),
     "--port", fetch(:gatehouse_ports).join(","), *more]
  end

  add = lambda do
    why = Shellwords.escape("deploying #{fetch(:application)} #{fetch(:current_revision) || fetch(:branch)}")
    host_fence.call("add", "--for", fetch(:gatehouse_for), "--why", why)
  end

  desc "Refuse the balancer's new connections on all servers: it shows its maintenance page"
  task :close do
    on(roles(fetch(:gatehouse_roles))) { execute(*add.call) }
  end

  desc "Let the balancer in again on all servers"
  task :open do
    on(roles(fetch(:gatehouse_roles))) { execute(*host_fence.call("remove")) }
  end

  desc "Who is refused, and why"
  task :status do
    on(roles(fetch(:gatehouse_roles))) { info(capture("sudo", "gatehouse", "host-fence", "list")) }
  end

  desc "Fence, drain, restart, check and open one server after the other; stop at the first that does not work"
  task :restart do
    on(roles(fetch(:gatehouse_roles)), in: :sequence) do
      execute(*add.call)
      sleep fetch(:gatehouse_drain)
      execute fetch(:gatehouse_restart)
      # A failure raises here, and the server stays out until --for is over or gatehouse:open.
      execute "curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "--max-time", "60",
              "--retry", "10", "--retry-connrefused", fetch(:gatehouse_check)
      execute(*host_fence.call("remove"))
    end
  end
end
