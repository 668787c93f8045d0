"""Each kind of file against PostgreSQL: taken once, taken again, changed, refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from outcomes.imports import KINDS, columns
from outcomes.models import Metric, Outcome
from outcomes.models.metrics import AGGREGATIONS, DIRECTIONS
from outcomes.models.outcomes import ROLES
from outcomes.models.sources import CADENCES
from productops.workspaces.models import Member, Role, User, Workspace
from roadmap.models import Customer, Evidence, Item, Link, Problem, Product, Survey
from roadmap.services.merging import merge_problem, move_evidence
from tests.files.importing import PAULA, a_workspace, listening, take, totals

pytestmark = pytest.mark.django_db

FILES = {
    "products": "key,name\nshop,Shop\nback,Back office\n",
    "customers": "key,name,segment,mrr\nacme,Acme,smb,420\nbolt@x.example,Bolt,,\n",
    "problems": "key,title,description,parent\nslow,It is slow,,wide\nwide,All of it,Everything,\n",
    "items": (
        "key,title,summary,product,status,horizon,released_on,kind,owner,hypothesis,reach,impact,confidence,"
        "effort,url,usage_policy\n"
        "carts,Saved carts,Keep them,shop,released,,2026-03-02,feature,,If kept,1000,2,0.8,1.5,"
        "https://a.example/x,normal\n"
        "audit,Audit log,,back,delivery,now,,enabler,,,,,,,,exempt:compliance\n"
        "plain,Only a title,,,,,,,,,,,,,,\n"
    ),
    "links": "item,problem,weight\ncarts,slow,0.7\ncarts,wide,\naudit,wide,1\n",
    "evidence": (
        "problem,kind,customer,quote,source_url,observed_on,importance,external_id\n"
        "slow,ticket,acme,So slow,https://a.example/1,2026-01-02,3,zd-1\n"
        "slow,vote,,,,,,\n"
        "slow,vote,acme,,,2026-01-03,2,\n"
        "wide,interview,,'=loud,,,0,\n"
    ),
    "surveys": (
        "problem,segment,on,respondents,importance_top2,satisfaction_top2\n"
        "slow,smb,2026-01-01,100,80,30\nslow,enterprise,2026-01-01,10,10,0\n"
    ),
    "metrics": (
        "key,name,unit,direction,aggregation,cadence\n"
        "checkout.conversion,Conversion,%,increase,mean,daily\nchurn,Churn,,decrease,,\n"
    ),
    "outcomes": (
        "item,metric,role,baseline,target,due_on,weight\n"
        "carts,checkout.conversion,primary,2.1,2.6,2026-06-30,1\ncarts,churn,guardrail,,,,\n"
    ),
}
MODELS: dict[str, Any] = {
    "products": Product,
    "customers": Customer,
    "problems": Problem,
    "items": Item,
    "links": Link,
    "evidence": Evidence,
    "surveys": Survey,
    "metrics": Metric,
    "outcomes": Outcome,
}


@pytest.fixture
def workspace() -> Workspace:
    return a_workspace()


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    for kind, text in FILES.items():
        assert take(workspace, kind, text).refused == 0
    return workspace


def contents(kind: str) -> list[dict[str, Any]]:
    return list(MODELS[kind].objects.order_by("pk").values())


def item(key: str) -> Item:
    return Item.objects.get(key=key)


def test_every_kind_of_file_in_the_contract_can_be_imported() -> None:
    assert set(KINDS) == set(FILES)


@pytest.mark.parametrize("kind", list(FILES))
def test_importing_a_file_again_writes_nothing(filled: Workspace, kind: str) -> None:
    before = contents(kind)
    with listening() as heard:
        report = take(filled, kind, FILES[kind])
    assert totals(report) == (0, 0, len(before), 0)
    assert contents(kind) == before
    assert heard.messages == {}


@pytest.mark.parametrize("kind", list(FILES))
def test_a_dry_run_tells_the_same_totals_and_writes_nothing(workspace: Workspace, kind: str) -> None:
    for earlier in FILES:
        if earlier == kind:
            break
        take(workspace, earlier, FILES[earlier])
    with listening() as heard:
        tried = take(workspace, kind, FILES[kind], is_dry_run=True)
    assert contents(kind) == []
    assert heard.messages == {}
    assert totals(tried) == totals(take(workspace, kind, FILES[kind]))


def test_the_words_of_the_files_are_those_of_the_models() -> None:
    found = (columns.DIRECTIONS, columns.AGGREGATIONS, columns.CADENCES, columns.ROLES)
    assert found == (DIRECTIONS, AGGREGATIONS, CADENCES, ROLES)


def test_customers_bring_their_revenue(filled: Workspace) -> None:
    assert list(Customer.objects.order_by("key").values_list("key", "segment", "mrr")) == [
        ("acme", "smb", 420),
        ("bolt@x.example", "", None),
    ]


def test_a_changed_revenue_tells_the_problems_with_that_customers_evidence(filled: Workspace) -> None:
    with listening() as heard:
        assert totals(take(filled, "customers", "key,name,mrr\nacme,Acme,500\n")) == (0, 1, 0, 0)
    assert heard["problems_changed"] == [[Problem.objects.get(key="slow").pk]]
    with listening() as heard:
        take(filled, "customers", "key,name\nacme,Acme Ltd\n")
    assert heard.messages == {}


def test_a_column_that_is_not_there_leaves_its_field_alone(filled: Workspace) -> None:
    take(filled, "customers", "key,name\nacme,Acme Ltd\n")
    acme = Customer.objects.get(key="acme")
    assert (acme.name, acme.segment, acme.mrr, acme.version) == ("Acme Ltd", "smb", 420, 2)


def test_a_blank_cell_empties_its_field(filled: Workspace) -> None:
    take(filled, "customers", "key,name,segment,mrr\nacme,Acme,,\n")
    acme = Customer.objects.get(key="acme")
    assert (acme.segment, acme.mrr) == ("", None)


def test_a_blank_cell_leaves_a_field_that_cannot_be_empty(filled: Workspace) -> None:
    take(filled, "metrics", "key,name,direction\nchurn,Churn,\n")
    assert Metric.objects.get(key="churn").direction == "decrease"


def test_a_parent_may_come_later_in_the_file(filled: Workspace) -> None:
    slow = Problem.objects.select_related("parent").get(key="slow")
    assert slow.parent is not None
    assert slow.parent.key == "wide"


def test_a_circle_of_problems_is_refused_on_its_line(filled: Workspace) -> None:
    report = take(filled, "problems", "key,title,parent\nwide,All of it,slow\nnew,New,wide\n")
    assert totals(report) == (1, 0, 0, 1)
    assert str(report.complaints[0]) == (
        "line 2, column parent: The problem would be its own ancestor: wide under slow under wide."
    )
    assert Problem.objects.get(key="wide").parent is None


def test_moving_a_problem_tells_both_parents(filled: Workspace) -> None:
    take(filled, "problems", "key,title\nother,Another\n")
    ids = {problem.key: problem.pk for problem in Problem.objects.all()}
    with listening() as heard:
        take(filled, "problems", "key,title,parent\nslow,It is slow,other\n")
    assert heard["problems_changed"] == [sorted([ids["slow"], ids["wide"], ids["other"]])]


def test_a_problem_can_name_its_parent_by_id(filled: Workspace) -> None:
    wide = Problem.objects.get(key="wide")
    assert totals(take(filled, "problems", f"key,title,parent\nslow,It is slow,{wide.pk}\n")) == (0, 0, 1, 0)


def test_a_released_item_freezes_what_was_expected_of_it(filled: Workspace) -> None:
    carts = item("carts")
    frozen = {"reach": 1000.0, "impact": 2.0, "confidence": 0.8, "effort": 1.5}
    assert (carts.released_on, carts.is_release_stated, carts.inputs_at_release) == (
        date(2026, 3, 2),
        True,
        frozen,
    )
    take(filled, "items", "key,title,reach\ncarts,Saved carts,5\n")
    assert (item("carts").reach, item("carts").inputs_at_release) == (5, frozen)


def test_going_back_before_release_clears_the_day_and_what_was_frozen(filled: Workspace) -> None:
    take(filled, "items", "key,title,status\ncarts,Saved carts,delivery\n")
    carts = item("carts")
    assert (carts.released_on, carts.is_release_stated, carts.inputs_at_release) == (None, False, None)


def test_sunset_keeps_the_day_and_what_was_frozen(filled: Workspace) -> None:
    take(filled, "items", "key,title,status,released_on\ncarts,Saved carts,sunset,\n")
    assert item("carts").released_on == date(2026, 3, 2)
    assert item("carts").inputs_at_release is not None


def test_released_without_a_day_means_today_of_the_workspace_and_stays(workspace: Workspace) -> None:
    workspace.pinned_on = date(2026, 7, 24)
    text = "key,title,status,released_on\nnew,New,released,\n"
    assert totals(take(workspace, "items", text)) == (1, 0, 0, 0)
    workspace.pinned_on = date(2026, 8, 1)
    assert totals(take(workspace, "items", text)) == (0, 0, 1, 0)
    assert (item("new").released_on, item("new").is_release_stated) == (date(2026, 7, 24), False)


def test_new_and_changed_items_are_told_in_one_message_each(filled: Workspace) -> None:
    with listening() as heard:
        take(
            filled,
            "items",
            "key,title\ncarts,Carts\nplain,Plain\nfirst,First\nsecond,Second\naudit,Audit log\n",
        )
    assert heard["items_created"] == [sorted([item("first").pk, item("second").pk])]
    assert heard["items_changed"] == [sorted([item("carts").pk, item("plain").pk])]


def test_an_item_that_changes_its_product_tells_both(filled: Workspace) -> None:
    with listening() as heard:
        take(filled, "items", "key,title,product\ncarts,Saved carts,back\n")
    assert heard["products_changed"] == [sorted(Product.objects.values_list("pk", flat=True))]


def test_an_owner_is_a_member_by_name_or_address(filled: Workspace) -> None:
    ann = User.objects.create(username="ann", email="Ann@X.example")
    Member.objects.create(workspace=filled, user=ann, role=Role.EDITOR)
    User.objects.create(username="outsider", email="out@x.example")
    text = "key,title,owner\ncarts,C,ann\naudit,A,ann@x.EXAMPLE\nplain,P,outsider\n"
    report = take(filled, "items", text)
    assert totals(report) == (0, 2, 0, 1)
    assert (
        str(report.complaints[0]) == "line 4, column owner: There is no member 'outsider' in this workspace."
    )
    assert {item("carts").owner_id, item("audit").owner_id} == {ann.memberships.get().pk}


def test_an_exemption_needs_a_reason_unless_it_has_one(filled: Workspace) -> None:
    report = take(filled, "items", "key,title,usage_policy\naudit,Audit log,exempt\nplain,P,exempt\n")
    assert totals(report) == (0, 0, 1, 1)
    assert str(report.complaints[0]).startswith("line 3, column usage_policy: Say why")
    take(filled, "items", "key,title,usage_policy\naudit,Audit log,mandatory\n")
    assert (item("audit").usage_policy, item("audit").exemption_reason) == ("mandatory", "")


def test_estimates_off_the_scale_are_refused_by_column(workspace: Workspace) -> None:
    report = take(workspace, "items", "key,title,impact,confidence,effort,reach\na,A,1.5,2,0,-1\n")
    assert [complaint.column for complaint in report.complaints] == [
        "reach",
        "impact",
        "confidence",
        "effort",
    ]
    assert report.refused == 1


def test_a_blank_weight_takes_what_the_others_leave(filled: Workspace) -> None:
    weights = dict(Link.objects.filter(item=item("carts")).values_list("problem__key", "weight"))
    assert weights == {"slow": 0.7, "wide": 0.3}


def test_links_without_a_weight_column_take_what_is_left(filled: Workspace) -> None:
    assert totals(take(filled, "links", "item,problem\nplain,slow\nplain,wide\n")) == (2, 0, 0, 0)
    assert list(Link.objects.filter(item=item("plain")).values_list("weight", flat=True)) == [0.5, 0.5]


def test_weights_over_one_are_refused_on_their_line(filled: Workspace) -> None:
    report = take(filled, "links", "item,problem,weight\nplain,slow,0.6\nplain,wide,0.6\naudit,slow,0.1\n")
    assert totals(report) == (1, 0, 0, 2)
    assert [(complaint.line, complaint.column) for complaint in report.complaints] == [
        (3, "weight"),
        (4, "weight"),
    ]


def test_a_new_link_tells_its_problem_and_all_its_items(filled: Workspace) -> None:
    with listening() as heard:
        take(filled, "links", "item,problem,weight\nplain,wide,1\n")
    assert heard["problems_changed"] == [[Problem.objects.get(key="wide").pk]]
    assert heard["items_changed"] == [sorted(Item.objects.values_list("pk", flat=True))]


def test_the_same_link_by_key_and_by_id_is_said_twice(filled: Workspace) -> None:
    plain, slow = item("plain"), Problem.objects.get(key="slow")
    report = take(filled, "links", f"item,problem\nplain,slow\n{plain.pk},{slow.pk}\n")
    assert totals(report) == (1, 0, 0, 1)
    assert report.complaints[0].code == "duplicate"


def test_evidence_is_matched_by_its_external_id_within_the_problem(filled: Workspace) -> None:
    header = "problem,kind,external_id,quote\n"
    report = take(filled, "evidence", f"{header}slow,ticket,zd-1,Still slow\nwide,ticket,zd-1,Elsewhere\n")
    assert totals(report) == (1, 1, 0, 0)
    known = Evidence.objects.get(problem__key="slow", external_id="zd-1")
    assert (known.quote, known.importance, known.version) == ("Still slow", 3, 2)


def test_evidence_that_a_person_moved_stays_where_it_was_moved_to(filled: Workspace) -> None:
    wide = Problem.objects.get(key="wide")
    piece = Evidence.objects.get(problem__key="slow", external_id="zd-1")
    move_evidence(workspace=filled, by=PAULA, evidence_id=piece.pk, problem=wide)
    assert totals(take(filled, "evidence", FILES["evidence"])) == (0, 0, 4, 0)
    assert Evidence.objects.get(external_id="zd-1").problem == wide


def test_evidence_for_a_merged_problem_goes_to_the_other_one(filled: Workspace) -> None:
    slow, wide = Problem.objects.get(key="slow"), Problem.objects.get(key="wide")
    merge_problem(workspace=filled, by=PAULA, problem_id=slow.pk, into=wide)
    take(filled, "evidence", FILES["evidence"])
    rows = "problem,kind,external_id,quote\nslow,ticket,zd-9,Said\nwide,ticket,zd-9,Said last\nslow,vote,,\n"
    assert totals(take(filled, "evidence", rows)) == (1, 0, 2, 0)
    assert totals(take(filled, "evidence", rows)) == (0, 0, 3, 0)
    assert Evidence.objects.get(external_id="zd-9").quote == "Said last"
    assert not slow.evidence.exists()


def test_evidence_without_an_id_is_new_as_soon_as_one_column_differs(filled: Workspace) -> None:
    header = "problem,kind,customer,observed_on,importance\n"
    report = take(filled, "evidence", f"{header}slow,vote,acme,2026-01-03,2\nslow,vote,acme,2026-01-03,3\n")
    assert totals(report) == (1, 0, 1, 0)


def test_evidence_tells_its_problems_once(workspace: Workspace) -> None:
    for kind in ("products", "customers", "problems"):
        take(workspace, kind, FILES[kind])
    with listening() as heard:
        take(workspace, "evidence", FILES["evidence"])
    assert heard["problems_changed"] == [sorted(Problem.objects.values_list("pk", flat=True))]


def test_an_export_guard_is_stripped_exactly_once(filled: Workspace) -> None:
    assert Evidence.objects.get(problem__key="wide").quote == "=loud"


def test_evidence_that_was_retracted_comes_back_when_a_file_states_it(filled: Workspace) -> None:
    Evidence.objects.filter(external_id="zd-1").update(is_retracted=True)
    assert totals(take(filled, "evidence", FILES["evidence"])) == (0, 1, 3, 0)
    assert Evidence.objects.filter(is_retracted=True).count() == 0


def test_survey_counts_above_the_respondents_are_refused(filled: Workspace) -> None:
    report = take(filled, "surveys", FILES["surveys"].splitlines()[0] + "\nslow,smb,2026-02-01,10,11,0\n")
    assert str(report.complaints[0]).startswith("line 2, column importance_top2: The count must lie")


def test_an_outcome_keeps_what_the_file_does_not_say(filled: Workspace) -> None:
    Outcome.objects.filter(metric__key="churn").update(washout_days=3)
    take(filled, "outcomes", "item,metric,target\ncarts,churn,1.5\n")
    churn = Outcome.objects.get(metric__key="churn")
    assert (churn.role, churn.target, churn.washout_days, churn.weight) == ("guardrail", 1.5, 3, 1)


def test_another_workspaces_objects_do_not_exist(filled: Workspace) -> None:
    other = a_workspace("other")
    report = take(other, "links", f"item,problem\ncarts,slow\n{item('carts').pk},slow\n")
    assert totals(report) == (0, 0, 0, 2)
    take(other, "products", FILES["products"])
    assert Product.objects.count() == 4


def test_new_items_have_their_blank_value_and_usage_at_once(filled: Workspace) -> None:
    assert Item.objects.filter(value=None).count() == 0
    assert Item.objects.filter(usage=None).count() == 0
