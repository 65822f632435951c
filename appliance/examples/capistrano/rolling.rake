# Capistrano 3: restarts application servers behind Gatehouse. One after the other, so visitors notice nothing.
# Gatehouse chooses the next server, fences it, calls back for its restart, warms it up and verifies it. Copy to
# lib/capistrano/tasks/, and in config/deploy.rb:
#
#   set :gatehouse, %w[gatehouse --host gate.example.org --token-file ci.token --ca ca.pem]
#   set :gatehouse_restart, "sudo systemctl restart app"
#   set :gatehouse_flags, -> { ["--expect-body", "release #{fetch(:branch)}"] }
#   after "deploy:published", "gatehouse:rolling"
#
# The servers' addresses in the stage are those of Gatehouse's configuration.

namespace :load do
  task :defaults do
    set :gatehouse, %w[gatehouse]
    set :gatehouse_pool, "app"
    set :gatehouse_flags, []
    set :gatehouse_roles, :app
  end
end

namespace :gatehouse do
  desc "Restart one server after the other: fenced, warmed up, verified, opened"
  task :rolling do
    sh(*fetch(:gatehouse), "deploy", "rolling", "--pool", fetch(:gatehouse_pool),
       "--run", "cap #{fetch(:stage)} gatehouse:restart HOSTS={host}",
       "--why", "#{fetch(:application)} #{fetch(:current_revision) || fetch(:branch)}", *fetch(:gatehouse_flags))
  end

  desc "Restart the servers of HOSTS; gatehouse:rolling calls it for each"
  task :restart do
    on(roles(fetch(:gatehouse_roles))) { execute(fetch(:gatehouse_restart)) }
  end
end
